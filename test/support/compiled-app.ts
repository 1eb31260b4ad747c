import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

const { compilerOptions }: { compilerOptions: Record<string, unknown> } = JSON.parse(
  readFileSync('tsconfig.json', 'utf8'),
);

/**
 * Compiles the sources to plain JavaScript, with `main.ts` of a small application beside them, for a Node process of its own.
 * `beside` are the paths of other files that it imports from its own folder. The folder is below the project's `node_modules`, so that Nest is found; call `remove` afterwards.
 */
export function compileApp(
  main: string,
  beside: readonly string[] = [],
): { main: string; remove: () => void } {
  const folder = join(
    process.cwd(),
    'node_modules',
    '.cache',
    `nestjs-simple-sse-${process.pid}-${Date.now()}`,
  );
  const library = join(folder, 'node_modules', 'nestjs-simple-sse');
  for (const name of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
    write(join(library, name.replace(/\.ts$/, '.js')), compiled(readFileSync(join('src', name), 'utf8')));
  }
  write(
    join(library, 'package.json'),
    '{ "type": "module", "exports": { ".": "./index.js", "./redis": "./redis.js", "./testing": "./testing.js", "./*": "./*/index.js" } }',
  );
  write(join(folder, 'package.json'), '{ "type": "module" }');
  write(join(folder, 'main.js'), compiled(main));
  for (const path of beside) {
    write(join(folder, basename(path, '.ts') + '.js'), compiled(readFileSync(path, 'utf8')));
  }
  return {
    main: join(folder, 'main.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function compiled(source: string): string {
  const options = ts.convertCompilerOptionsFromJson(
    {
      ...compilerOptions,
      module: 'esnext',
      moduleResolution: 'bundler',
      declaration: false,
      sourceMap: false,
    },
    '.',
  );
  return ts.transpileModule(source, { compilerOptions: options.options }).outputText;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
