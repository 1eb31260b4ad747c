import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

const { compilerOptions }: { compilerOptions: Record<string, unknown> } = JSON.parse(
  readFileSync('tsconfig.json', 'utf8'),
);

const CACHE = join(process.cwd(), 'node_modules', '.cache', 'nestjs-simple-sse');

/**
 * Compiles `main.ts` of a small application for a Node process of its own, beside the compiled sources of the library.
 * `beside` are the paths of other files that it imports from its own folder. The folder is below the project's `node_modules`,
 * so that Nest is found; call `remove` afterwards.
 */
export function compileApp(
  main: string,
  beside: readonly string[] = [],
): { main: string; remove: () => void } {
  const library = compileLibrary();
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'app-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(library, join(folder, 'node_modules', 'nestjs-simple-sse'));
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

/** Compiles the sources once for all specs, since it takes seconds. @returns the folder, which is named by a digest of them */
function compileLibrary(): string {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .toSorted()
    .map((name) => ({ name, text: readFileSync(join('src', name), 'utf8') }));
  const digest = createHash('sha256').update(JSON.stringify([sources, compilerOptions, ts.version]));
  const folder = join(CACHE, `library-${digest.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  removeOldLibraries();
  mkdirSync(CACHE, { recursive: true });
  const unfinished = mkdtempSync(join(CACHE, 'unfinished-'));
  for (const { name, text } of sources) write(join(unfinished, name.replace(/\.ts$/, '.js')), compiled(text));
  write(
    join(unfinished, 'package.json'),
    '{ "type": "module", "exports": { ".": "./index.js", "./redis": "./redis.js", "./testing": "./testing.js", "./*": "./*/index.js" } }',
  );
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Another worker was faster.
    rmSync(unfinished, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Removes what earlier sources left behind, unless a run may still use it. */
function removeOldLibraries(): void {
  if (!existsSync(CACHE)) return;
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    const isOld = Date.now() - statSync(path).mtimeMs > 24 * 60 * 60_000;
    if (isOld) rmSync(path, { recursive: true, force: true });
  }
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
