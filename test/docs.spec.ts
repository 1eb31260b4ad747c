import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { resolveRedisOptions } from '../src/broker/redis/redis-broker-options.js';
import { CLOSE_REASONS } from '../src/connection/close-reason.js';
import { SSE_ERROR_CODES } from '../src/protocol/sse-error.js';
import { FORBIDDEN_HEADERS, STREAM_HEADERS } from '../src/protocol/stream-headers.js';
import { DEFAULT_OPTIONS } from '../src/resolve-options.js';
import { compileApp } from './support/compiled-app.js';

const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

const text = (path: string): string => readFileSync(path, 'utf8');
const withoutCode = (page: string): string => page.replace(/^```[^]*?^```$/gm, '');

/** The rows of the one table of a page whose head begins with `title`, as trimmed cells without back-ticks. */
function table(path: string, title: string): string[][] {
  const tables = withoutCode(text(path))
    .split(/\n(?!\|)/)
    .map((block) => block.split('\n').filter((line) => line.startsWith('|')))
    .map((lines) => lines.map((line) => line.slice(1, -1).split('|')))
    .map((rows) => rows.map((cells) => cells.map((cell) => cell.replaceAll('`', '').trim())))
    .filter(([head]) => head?.[0] === title);
  if (tables.length !== 1) throw new Error(`${path} has ${tables.length} tables that begin with "${title}"`);
  return (tables[0] ?? []).slice(2);
}

function firstColumn(path: string, title: string): string[] {
  return table(path, title).map(([first = '']) => first);
}

/** `broadcast(room, data)` and a list of such, as `broadcast` and its like. */
function namesIn(cells: readonly string[]): string[] {
  return cells.flatMap((cell) => cell.replace(/\([^)]*\)/g, '').split(',')).map((name) => name.trim());
}

const sorted = (names: Iterable<string>): string[] => [...names].toSorted();

function sourceFile(path: string): ts.SourceFile {
  return ts.createSourceFile(path, text(path), ts.ScriptTarget.Latest, true);
}

function declaration(path: string, name: string): ts.ClassDeclaration | ts.InterfaceDeclaration {
  const found = sourceFile(path).statements.find(
    (statement): statement is ts.ClassDeclaration | ts.InterfaceDeclaration =>
      (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) &&
      statement.name?.text === name,
  );
  if (found === undefined) throw new Error(`${path} declares no ${name}`);
  return found;
}

/** What of a class or interface is for applications: neither private nor marked as internal. */
function publicMembers(path: string, name: string): Map<string, ts.ClassElement | ts.TypeElement> {
  const members = new Map<string, ts.ClassElement | ts.TypeElement>();
  for (const member of declaration(path, name).members) {
    if (member.name === undefined || !ts.isIdentifier(member.name)) continue;
    const isInternal = ts.getJSDocCommentsAndTags(member).some((doc) => doc.getText().includes('@internal'));
    if (
      !isInternal &&
      !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.NonPublicAccessibilityModifier)
    )
      members.set(member.name.text, member);
  }
  return members;
}

const OPTIONS = 'src/sse-module-options.interface.ts';

describe('the options in the README', () => {
  it.each([
    ['Option', OPTIONS, 'SseModuleOptions'],
    ['Room option', OPTIONS, 'SseRoomPolicyOptions'],
    ['Endpoint option', 'src/sse-room.decorator.ts', 'SseRoomOptions'],
    ['redisBroker option', 'src/broker/redis/redis-broker-options.ts', 'RedisBrokerOptions'],
  ])('under "%s" are those of the code, no more and no fewer', (title, path, name) => {
    expect(sorted(firstColumn('README.md', title))).toEqual(sorted(publicMembers(path, name).keys()));
  });

  it('have the defaults of the code', () => {
    const documented = table('README.md', 'Option').map(([name = '', , value = '']) => [name, value]);
    const actual = Object.entries(DEFAULT_OPTIONS).map(([name, value]) => [
      name,
      value.toLocaleString('en-US'),
    ]);
    expect(Object.fromEntries(documented)).toMatchObject(Object.fromEntries(actual));
    for (const [, value] of documented) expect(value).not.toBe('');
  });

  it('of redisBroker have the defaults of the code', () => {
    const { url: _url, client: _client, ...defaults } = resolveRedisOptions({ url: 'redis://localhost' });
    const documented = table('README.md', 'redisBroker option').map(([name = '', , value = '']) => [
      name,
      value,
    ]);
    const actual = Object.entries(defaults).map(([name, value]) => [name, value?.toLocaleString('en-US')]);
    expect(Object.fromEntries(documented)).toMatchObject(Object.fromEntries(actual));
  });

  it('say false exactly where false switches off', () => {
    const off = table('README.md', 'Option').filter(([, , , cell]) => cell === 'false');
    const actual = [...publicMembers(OPTIONS, 'SseModuleOptions')].filter(
      ([, member]) =>
        ts.isPropertySignature(member) && /\b(false|boolean)$/.test(member.type?.getText() ?? ''),
    );
    expect(sorted(off.map(([name = '']) => name))).toEqual(sorted(actual.map(([name]) => name)));
  });
});

describe('the API in the README', () => {
  it.each([
    ['SseService', ['src/sse.service.ts', 'SseService']],
    ['SseClient', ['src/connection/sse-client.ts', 'SseClient']],
  ])('lists what %s has for applications, no more and no less', (name, ...classes) => {
    const members = classes.flatMap(([path = '', of = '']) => [...publicMembers(path, of).keys()]);
    expect(sorted(namesIn(firstColumn('README.md', name)))).toEqual(sorted(new Set(members)));
  });

  it('lists the exports, no more and no fewer', () => {
    const exported = sourceFile('src/index.ts').statements.flatMap((statement) =>
      ts.isExportDeclaration(statement) &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map((element) => element.name.text)
        : [],
    );
    expect(sorted(namesIn(firstColumn('README.md', 'Export')))).toEqual(sorted(exported));
  });
});

describe('the lists in docs/', () => {
  it('errors.md explains each error code, and none that does not exist', () => {
    expect(sorted(firstColumn('docs/errors.md', 'Code'))).toEqual(sorted(SSE_ERROR_CODES));
  });

  it('errors.md explains each close reason, and none that does not exist', () => {
    expect(sorted(firstColumn('docs/errors.md', 'Reason'))).toEqual(sorted(CLOSE_REASONS));
  });

  it('no cell of errors.md that tells a cause or a cure is empty', () => {
    for (const [code, cause, cure] of table('docs/errors.md', 'Code')) {
      expect([code, cause !== '', cure !== '']).toEqual([code, true, true]);
    }
  });

  it('wire.md has the headers of a stream with their values, and those that are removed', () => {
    const documented = table('docs/wire.md', 'Header').map(([name = '', value = '']) => [name, value]);
    expect(Object.fromEntries(documented)).toEqual(STREAM_HEADERS);
    for (const name of FORBIDDEN_HEADERS) expect(text('docs/wire.md')).toContain(`\`${name}\``);
  });

  it('architecture.md has each floor, and each file of the face', () => {
    const entries = readdirSync('src', { withFileTypes: true }).filter(
      ({ name }) => !name.endsWith('.spec.ts'),
    );
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${name}/`);
    const floors = firstColumn('docs/architecture.md', 'Floor').filter((floor) => floor.endsWith('/'));
    expect(sorted(floors)).toEqual(sorted(folders));

    const tree = /^src\/\n((?: {2}.*\n)+)/m.exec(text('docs/architecture.md'))?.[1] ?? '';
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(sorted(Array.from(tree.matchAll(/^ {2}(\S+)/gm), ([, name = '']) => name))).toEqual(
      sorted([...folders, ...files]),
    );
  });

  it('architecture.md leads to each decision', () => {
    for (const name of readdirSync('docs/decisions')) {
      expect(text('docs/architecture.md')).toContain(`(decisions/${name})`);
    }
  });
});

/** The anchor that GitHub gives a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

function anchorsOf(path: string): string[] {
  return Array.from(withoutCode(text(path)).matchAll(/^#+ (.*)$/gm), ([, heading = '']) => anchor(heading));
}

describe.each(PAGES)('%s', (path) => {
  it('leads nowhere that does not exist', () => {
    const links = Array.from(withoutCode(text(path)).matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
    for (const link of links.filter((to) => !/^https?:/.test(to))) {
      const [file = '', fragment] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      expect([link, existsSync(target)]).toEqual([link, true]);
      if (fragment !== undefined) {
        expect([link, anchorsOf(target).includes(fragment)]).toEqual([link, true]);
      }
    }
  });

  it('names no file that does not exist', () => {
    const named = Array.from(
      text(path).matchAll(/`((?:src|test|bench|sample|docs)\/[\w./-]*)/g),
      ([, name = '']) => name,
    );
    expect(named.filter((name) => !existsSync(name))).toEqual([]);
  });
});

/** The TypeScript blocks of a page. */
function examplesOf(path: string): string[] {
  return Array.from(text(path).matchAll(/^```ts\n([^]*?)^```$/gm), ([, code = '']) => code);
}

/** What the compiler says of sources that stand only in pages, as if they were files in `test/`. */
function complaintsAbout(sources: ReadonlyMap<string, string>): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    'tsconfig.json',
    { noEmit: true },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
      },
    },
  );
  const options = { ...config?.options, types: ['node'] };
  const files = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...files,
    getSourceFile: (name, languageVersion, ...rest) => {
      const source = sources.get(name);
      return source === undefined
        ? files.getSourceFile(name, languageVersion, ...rest)
        : ts.createSourceFile(name, source, languageVersion, true);
    },
    fileExists: (name) => sources.has(name) || files.fileExists(name),
    readFile: (name) => sources.get(name) ?? files.readFile(name),
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources.keys()].flatMap((name) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map(({ messageText }) => `${name}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
  );
}

describe('the examples', () => {
  it('compile, each on its own', () => {
    const sources = new Map(
      PAGES.flatMap((path) =>
        examplesOf(path).map(
          (code, n) => [resolve(`test/${path.replaceAll('/', '-')}-${n}.ts`), code] as const,
        ),
      ),
    );
    expect(sources.size).toBeGreaterThan(0);
    expect(complaintsAbout(sources)).toEqual([]);
  }, 60_000);

  it('a mistake in one would be seen', () => {
    const wrong = `import { SseModule } from 'nestjs-simple-sse';\nSseModule.forRoot({ heartbeat: 1 });\n`;
    expect(complaintsAbout(new Map([[resolve('test/wrong.ts'), wrong]])).join()).toContain('heartbeat');
  }, 60_000);

  it("the README's first one does what it says, in 15 lines", async () => {
    const [example = ''] = examplesOf('README.md');
    const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('import '));
    expect(lines.length).toBeLessThanOrEqual(15);

    const app = compileApp(`${example}
      import { NestFactory } from '@nestjs/core';

      const app = await NestFactory.create(AppModule, { logger: false });
      await app.listen(0, '127.0.0.1');
      const orders = (await app.getUrl()) + '/orders/7';
      const stream = await fetch(orders + '/events');
      await fetch(orders + '/paid', { method: 'POST' });
      let said = '';
      for await (const bytes of stream.body.pipeThrough(new TextDecoderStream())) {
        said += bytes;
        if (/event: paid[^]*\\n\\n/.test(said)) break;
      }
      console.log(said);
      process.exit();
    `);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [app.main], { timeout: 20_000 });
      expect(stdout).toMatch(
        /^retry: 3000\nevent: sse:ready\ndata: .+\nid: 1\..+\n\nevent: paid\ndata: {"id":7}\nid: 1\..+\n\n/,
      );
    } finally {
      app.remove();
    }
  });
});
