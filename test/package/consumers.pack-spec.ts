import { request } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openStream } from '../support/event-stream.js';
import { Consumer, type RunningConsumer } from './consumer.js';
import { PackedLibrary } from './packed-library.js';
import { run } from './run.js';

const MINUTE = 60_000;

/** `nestjs-simple-sse`, `nestjs-simple-sse/redis`, …: everything one can import, except data. */
const manifest: { exports: Record<string, unknown> } = JSON.parse(readFileSync('package.json', 'utf8'));
const entryPoints = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => path.replace(/^\./, 'nestjs-simple-sse'));

/** The contents that `npm run release` accepts. */
const rules: { allowed: string[]; maxBytes: number } = JSON.parse(
  readFileSync('.ci/release/tarball-rules.json', 'utf8'),
);

let library: PackedLibrary;

beforeAll(async () => {
  library = await PackedLibrary.pack();
}, 5 * MINUTE);
afterAll(() => library?.remove());

/** Relative links and images of a page, without fragments; code blocks have none. */
function linksOf(page: string): string[] {
  const text = page.replace(/^```[^]*?^```$/gm, '');
  return Array.from(text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g), ([, link = '']) => link).filter(
    (link) => !/^[a-z]+:/.test(link),
  );
}

/** Returns `true` for a file of the tarball, and for a folder with files. */
function isInside(path: string): boolean {
  const folder = path.replace(/\/?$/, '/');
  return library.files.some((file) => file === path || file.startsWith(folder));
}

/** Returns `true` for a file that browsers load: the build copies the operator's page as it is. */
function isOfPage(path: string): boolean {
  return path.startsWith('dist/admin/page/');
}

describe('the tarball', () => {
  it('holds each file of the operator’s page', () => {
    const files = readdirSync('src/admin/page').map((name) => `dist/admin/page/${name}`);
    expect(library.files.filter(isOfPage).toSorted()).toEqual(files.toSorted());
  });

  it('holds the compiled library, its manifest, the documentation with the samples, and nothing else', () => {
    const beside = library.files.filter((path) => !/^(dist|docs|sample)\//.test(path));
    expect(beside.toSorted()).toEqual([
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bench/README.md',
      'bench/fan-out.svg',
      'package.json',
    ]);
    const allowed = rules.allowed.map((pattern) => new RegExp(pattern));
    const strange = library.files.filter((path) => !allowed.some((pattern) => pattern.test(path)));
    expect(strange).toEqual([]);
  });

  it('has the target of each relative link and image of its pages', async () => {
    const pages = library.files.filter((path) => path.endsWith('.md'));
    expect(pages).toEqual(
      expect.arrayContaining(['README.md', 'docs/01-start.md', 'docs/recipes/README.md']),
    );
    const dead: string[] = [];
    for (const page of pages) {
      const links = linksOf(await library.read(page));
      dead.push(
        ...links.filter((link) => !isInside(join(dirname(page), link))).map((link) => `${page}: ${link}`),
      );
    }
    expect(dead).toEqual([]);
  });

  it('has types beside each module', () => {
    const modules = library.files.filter(
      (path) => path.startsWith('dist/') && path.endsWith('.js') && !isOfPage(path),
    );
    expect(modules).toContain('dist/index.js');
    expect(library.files).toEqual(
      expect.arrayContaining(modules.map((path) => path.replace(/\.js$/, '.d.ts'))),
    );
  });

  it('has no source map, and no module names one', async () => {
    expect(library.files.filter((path) => path.endsWith('.map'))).toEqual([]);
    expect(await library.read('dist/index.js')).not.toContain('sourceMappingURL');
  });

  it('is smaller than its limit', () => {
    // About 550,000 bytes are the library; the documentation with the samples and charts has the rest.
    expect(library.bytes).toBeLessThan(rules.maxBytes);
  });
});

describe('the lock file', () => {
  it('names no download addresses, so that it serves whatever registry npm is set to', () => {
    const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(
      readFileSync('package-lock.json', 'utf8'),
    );
    const addresses = Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? []);
    expect(addresses).toEqual([]);
  });

  it(
    'is accepted by npm ci',
    async () => {
      await run(process.cwd(), 'npm', 'ci', '--dry-run', '--no-audit', '--no-fund');
    },
    MINUTE,
  );
});

describe.each(['nest12-esm', 'nest11-commonjs'])('the application %s', (fixture) => {
  let consumer: Consumer;
  let running: RunningConsumer | undefined;

  beforeAll(async () => {
    consumer = await Consumer.install(fixture, library.tarball);
  }, 5 * MINUTE);
  afterEach(() => running?.kill());
  afterAll(() => consumer?.remove());

  it(
    'compiles, opens a stream, receives events, closes, and its process ends by itself',
    async () => {
      await consumer.compile();
      running = consumer.start();
      const url = await running.url;

      const stream = await openStream(`${url}/orders/7/events`);
      expect(stream.status).toBe(200);
      expect(stream.isEventStream).toBe(true);
      expect(await stream.nextEvent()).toMatchObject({ event: 'watching', data: '{"id":7}' });
      expect(await post(`${url}/orders/7/pay`)).toBe(201);
      expect(await stream.nextEvent()).toMatchObject({ event: 'paid', data: '{"id":7}' });
      await stream.receivedRetry(1_000);

      const refused = await openStream(`${url}/orders/seven/events`);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ statusCode: 400 });

      expect(await running.close()).toEqual([0, null]);
      expect(await stream.ended).toBe('whole');
      expect(running.complaints).toBe('');
    },
    2 * MINUTE,
  );

  it(
    'finds no fault in the declarations, even without skipLibCheck',
    async () => {
      expect(await consumer.faultsInDeclarations()).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'finds the types of every entry point',
    async () => {
      for (const [index, entryPoint] of entryPoints.entries()) {
        const source = `import * as all from '${entryPoint}';\nconsole.log(Object.keys(all).length);\n`;
        consumer.write(`src/entry-point-${index}.ts`, source);
      }
      await consumer.compile();
    },
    2 * MINUTE,
  );

  it.each(entryPoints)('imports and requires one and the same %s, without a warning', async (entryPoint) => {
    const compare = `import('${entryPoint}').then((imported) => {
      const required = require('${entryPoint}');
      const names = Object.keys(imported);
      console.log(names.length > 0 && names.every((name) => imported[name] === required[name]));
    });`;
    expect(await consumer.evaluate('commonjs', compare)).toBe('true');
  });

  it('has one SseService in the whole process, however it was loaded', async () => {
    const script = `
      import { createRequire } from 'node:module';
      import { SseService } from 'nestjs-simple-sse';
      console.log(createRequire(import.meta.url)('nestjs-simple-sse').SseService === SseService);`;
    expect(await consumer.evaluate('module', script)).toBe('true');
  });
});

/** The status of an empty POST. */
function post(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST' }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end();
  });
}
