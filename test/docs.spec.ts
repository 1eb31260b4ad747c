import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { resolveRedisOptions } from '../src/broker/redis/redis-broker-options.js';
import { CLOSE_REASONS } from '../src/connection/close-reason.js';
import { SSE_ERROR_CODES } from '../src/protocol/sse-error.js';
import { FORBIDDEN_HEADERS, STREAM_HEADERS } from '../src/protocol/stream-headers.js';
import {
  DEFAULT_LIMITS,
  DEFAULT_OPTIONS,
  DEFAULT_RUNS,
  DEFAULT_SESSIONS,
  DEFAULT_TICKETS,
} from '../src/resolve-options.js';
import { compileApp } from './support/compiled-app.js';

const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !/^(node_modules|api|\.vitepress)\b/.test(name))
    .map((name) => join('docs', name)),
];

const text = (path: string): string => readFileSync(path, 'utf8');
const withoutCode = (page: string): string => page.replace(/^```[^]*?^```$/gm, '');

/** Returns the rows of the only table of a page with `title` in its first head cell: trimmed cells, no back-ticks. */
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

/** Reduces cells such as `send(…)`, `join(…)` to the names: `send`, `join`. */
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

/** Returns the members for applications: neither private nor tagged `@internal`. */
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

describe('the options in docs/03-options.md', () => {
  it.each([
    ['Option', OPTIONS, 'SseModuleOptions'],
    ['Limit', 'src/limits/limit-options.interface.ts', 'SseLimitOptions'],
    ['Ticket option', 'src/tickets/ticket-options.interface.ts', 'SseTicketOptions'],
    ['Run option', 'src/runs/run-options.interface.ts', 'SseRunsOptions'],
    ['Session option', 'src/sessions/session-options.interface.ts', 'SseSessionOptions'],
    ['Room option', 'src/rooms/room-policy-options.interface.ts', 'SseRoomPolicyOptions'],
    ['Endpoint option', 'src/endpoint/routes/room-metadata.ts', 'SseRoomOptions'],
    ['redisBroker option', 'src/broker/redis/redis-broker-options.ts', 'RedisBrokerOptions'],
  ])('under "%s" are those of the code, no more and no fewer', (title, path, name) => {
    expect(sorted(firstColumn('docs/03-options.md', title))).toEqual(
      sorted(publicMembers(path, name).keys()),
    );
  });

  it('of the operator’s page are those of the code, no more and no fewer', () => {
    expect(sorted(firstColumn('docs/19-admin.md', 'Admin option'))).toEqual(
      sorted(publicMembers('src/admin/admin-options.interface.ts', 'SseAdminOptions').keys()),
    );
  });

  it('have the defaults of the code', () => {
    const documented = table('docs/03-options.md', 'Option').map(([name = '', , value = '']) => [
      name,
      value,
    ]);
    const actual = Object.entries(DEFAULT_OPTIONS).map(([name, value]) => [
      name,
      value.toLocaleString('en-US'),
    ]);
    expect(Object.fromEntries(documented)).toMatchObject(Object.fromEntries(actual));
    for (const [, value] of documented) expect(value).not.toBe('');
  });

  it('of limits have the defaults of the code', () => {
    const documented = table('docs/03-options.md', 'Limit').map(([name = '', , value = '']) => [name, value]);
    const actual = Object.entries(DEFAULT_LIMITS).map(([name, value]) => [
      name,
      value.toLocaleString('en-US'),
    ]);
    expect(Object.fromEntries(documented)).toMatchObject(Object.fromEntries(actual));
  });

  it.each([
    ['tickets', 'Ticket option', DEFAULT_TICKETS],
    ['sessions', 'Session option', DEFAULT_SESSIONS],
    ['runs', 'Run option', DEFAULT_RUNS],
  ])('of %s have the defaults of the code', (_name, column, defaults) => {
    const documented = table('docs/03-options.md', column).map(([name = '', , value = '']) => [name, value]);
    const actual = Object.entries(defaults).map(([name, value]) => [name, value.toLocaleString('en-US')]);
    expect(Object.fromEntries(documented)).toMatchObject(Object.fromEntries(actual));
  });

  it('of redisBroker have the defaults of the code', () => {
    const { url: _url, client: _client, ...defaults } = resolveRedisOptions({ url: 'redis://localhost' });
    const documented = table('docs/03-options.md', 'redisBroker option').map(([name = '', , value = '']) => [
      name,
      value,
    ]);
    const actual = Object.entries(defaults).map(([name, value]) => [
      name,
      (value as string | number | boolean | undefined)?.toLocaleString('en-US'),
    ]);
    expect(Object.fromEntries(documented)).toMatchObject(Object.fromEntries(actual));
  });

  it('list false exactly where false switches the feature off', () => {
    const off = table('docs/03-options.md', 'Option').filter(([, , , cell]) => cell === 'false');
    const actual = [...publicMembers(OPTIONS, 'SseModuleOptions')].filter(
      ([, member]) =>
        ts.isPropertySignature(member) && /\b(false|boolean)$/.test(member.type?.getText() ?? ''),
    );
    expect(sorted(off.map(([name = '']) => name))).toEqual(sorted(actual.map(([name]) => name)));
  });
});

describe('the metrics in docs/17-observability.md', () => {
  it('are the methods of SseMetrics, no more and no fewer, the required ones first', () => {
    const documented = firstColumn('docs/17-observability.md', 'SseMetrics');
    const methods = publicMembers('src/metrics/sse-metrics.interface.ts', 'SseMetrics');
    expect(sorted(documented)).toEqual(sorted(methods.keys()));
    const required = [...methods].filter(([, member]) => member.getText().match(/^\w+\(/) !== null);
    expect(documented.slice(0, required.length)).toEqual(required.map(([name]) => name));
  });
});

describe('the API in docs/04-api.md', () => {
  it.each([
    ['SseService', 'src/sse.service.ts'],
    ['SseClient', 'src/connection/sse-client.ts'],
  ])('lists what %s has for applications, no more and no less', (name, path) => {
    const members = publicMembers(path, name).keys();
    // A method with several forms has a row for each.
    const documented = new Set(namesIn(firstColumn('docs/04-api.md', name)));
    expect(sorted(documented)).toEqual(sorted(new Set(members)));
  });

  it('lists the exports, no more and no fewer', () => {
    const exported = sourceFile('src/index.ts').statements.flatMap((statement) =>
      ts.isExportDeclaration(statement) &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map((element) => element.name.text)
        : [],
    );
    expect(sorted(namesIn(firstColumn('docs/04-api.md', 'Export')))).toEqual(sorted(exported));
  });
});

it.each(PAGES.filter((page) => page !== 'CHANGELOG.md'))(
  '%s has no cell of a table over 30 words',
  (page) => {
    const rows = withoutCode(text(page))
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const cells = rows.flatMap((row) => row.split(/(?<!\\)\|/));
    expect(cells.filter((cell) => cell.trim().split(/\s+/).length > 30)).toEqual([]);
  },
);

describe('the lists in docs/', () => {
  it('10-errors.md explains each error code, and none that does not exist', () => {
    expect(sorted(firstColumn('docs/10-errors.md', 'Code'))).toEqual(sorted(SSE_ERROR_CODES));
  });

  it('10-errors.md explains each close reason, and none that does not exist', () => {
    expect(sorted(firstColumn('docs/10-errors.md', 'Reason'))).toEqual(sorted(CLOSE_REASONS));
  });

  it('10-errors.md gives each code a cause and a cure', () => {
    for (const [code, cause, cure] of table('docs/10-errors.md', 'Code')) {
      expect([code, cause !== '', cure !== '']).toEqual([code, true, true]);
    }
  });

  it('11-wire.md has the headers of a stream with their values, and those that are removed', () => {
    const documented = table('docs/11-wire.md', 'Header').map(([name = '', value = '']) => [name, value]);
    expect(Object.fromEntries(documented)).toEqual(STREAM_HEADERS);
    for (const name of FORBIDDEN_HEADERS) expect(text('docs/11-wire.md')).toContain(`\`${name}\``);
  });

  it('12-architecture.md lists each layer, and each file of the public API', () => {
    const entries = readdirSync('src', { withFileTypes: true }).filter(
      ({ name }) => !name.endsWith('.spec.ts'),
    );
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${name}/`);
    const layers = firstColumn('docs/12-architecture.md', 'Layer').filter((layer) => layer.endsWith('/'));
    expect(sorted(layers)).toEqual(sorted(folders));

    const tree = /^src\/\n((?: {2}.*\n)+)/m.exec(text('docs/12-architecture.md'))?.[1] ?? '';
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(sorted(Array.from(tree.matchAll(/^ {2}(\S+)/gm), ([, name = '']) => name))).toEqual(
      sorted([...folders, ...files]),
    );
  });

  it('12-architecture.md links to each decision', () => {
    for (const name of readdirSync('docs/decisions')) {
      expect(text('docs/12-architecture.md')).toContain(`(decisions/${name})`);
    }
  });
});

describe('docs/README.md', () => {
  it('links to each page', () => {
    for (const name of readdirSync('docs').filter((file) => /^(?!README|index).*\.md$/.test(file))) {
      expect(text('docs/README.md')).toContain(`(${name})`);
    }
  });
});

describe('the glossary', () => {
  const terms = firstColumn('docs/glossary.md', 'Term');

  it('has at most 40 terms, each once, in alphabetical order', () => {
    expect(terms).toEqual(sorted(new Set(terms)));
    expect(terms.length).toBeLessThanOrEqual(40);
  });

  it('explains each term in one sentence', () => {
    for (const [term, meaning = ''] of table('docs/glossary.md', 'Term')) {
      expect([term, meaning]).toEqual([term, expect.stringMatching(/^[^.]+(?:\.\w[^.]*)*\.$/)]);
    }
  });

  it('explains only terms that code or documentation use', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join('src', name));
    const used = [...PAGES.filter((page) => page !== 'docs/glossary.md'), ...sources]
      .map((path) => text(path).toLowerCase())
      .join('\n');
    expect(terms.filter((term) => !used.includes(term))).toEqual([]);
  });
});

/** Returns the anchor of a heading, by GitHub's rule. */
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
  it('has no dead link', () => {
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

  it('names only existing files', () => {
    const named = Array.from(
      text(path).matchAll(/`((?:src|test|bench|sample|docs)\/[\w./-]*)/g),
      ([, name = '']) => name,
    );
    expect(named.filter((name) => !existsSync(name))).toEqual([]);
  });
});

/** Returns the TypeScript blocks of a page. */
function examplesOf(path: string): string[] {
  return Array.from(text(path).matchAll(/^```ts\n([^]*?)^```$/gm), ([, code = '']) => code);
}

/** Compiles examples as if they were files in `test/`, and returns the compiler's messages. */
function compilerErrors(sources: ReadonlyMap<string, string>): string[] {
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
    expect(compilerErrors(sources)).toEqual([]);
  }, 60_000);

  it('report a mistake', () => {
    const wrong = `import { SseModule } from 'nestjs-simple-sse';\nSseModule.forRoot({ heartbeat: 1 });\n`;
    expect(compilerErrors(new Map([[resolve('test/wrong.ts'), wrong]])).join()).toContain('heartbeat');
  }, 60_000);

  it('the first one of the README runs, in 15 lines', async () => {
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
      let received = '';
      for await (const bytes of stream.body.pipeThrough(new TextDecoderStream())) {
        received += bytes;
        if (/event: paid[^]*\\n\\n/.test(received)) break;
      }
      console.log(received);
      process.exit();
    `);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [app.main], { timeout: 50_000 });
      expect(stdout).toMatch(
        /^retry: 3000\nevent: sse:ready\ndata: .+\nid: 1\..+\n\nevent: paid\ndata: {"id":7}\nid: 1\..+\n\n/,
      );
    } finally {
      app.remove();
    }
  }, 60_000);
});
