import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { HTTP_API_DEFAULTS, KNOWN_OPTIONS } from '../../src/http-api/http-api-checks.js';
import { HTTP_API_CODES } from '../../src/http-api/publish-failure.js';
import { compileApp } from '../support/compiled-app.js';
import { openStream, type EventStream } from '../support/event-stream.js';
import { PATIENCE_MS, within } from '../support/within.js';

const PAGE = readFileSync('docs/18-http-api.md', 'utf8');
const blocks = (language: string): string[] =>
  Array.from(
    PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')),
    ([, code = '']) => code,
  );

/** Returns the first three cells of each row of the table with this title. */
function cells(title: string): string[][] {
  const [, rows = ''] = PAGE.split(new RegExp(`^\\| ${title} \\|.*\\n\\|.*\\n`, 'm'));
  return rows
    .slice(0, rows.indexOf('\n\n'))
    .split('\n')
    .map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''))
        .slice(1, 4),
    );
}

const APPLICATION = `
import 'reflect-metadata';
import { Controller, Get, Module as AnyModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseRoom } from 'nestjs-simple-sse';
${blocks('ts')[0]}

@Controller()
class OrdersController {
  @Get('orders')
  @SseRoom('orders/7')
  orders(): void {}
}

@AnyModule({ imports: [AppModule], controllers: [OrdersController] })
class RootModule {}

const app = await NestFactory.create(RootModule, { logger: false });
await app.listen(0, '127.0.0.1');
console.log(await app.getUrl());
`;

/** Publishes as a service in Python does, with its standard library. Prints the status and the body. */
const PYTHON = `
import json, sys, urllib.error, urllib.request
url, key, body = sys.argv[1:]
request = urllib.request.Request(url + '/sse/publish', body.encode(), {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + key})
try:
    with urllib.request.urlopen(request) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
`;
/** Runs a test that needs a program; without it, it is skipped with a warning, except in CI. */
function itWith(program: string): typeof it {
  const isFound = spawnSync(program, ['--version']).status === 0;
  if (!isFound) process.emitWarning(`${program} is not on the PATH: what needs it is skipped.`);
  return isFound || process.env['CI'] === 'true' ? it : it.skip;
}

const KEY = 'd1ce'.repeat(16);

describe('docs/18-http-api.md', () => {
  let compiledApp: ReturnType<typeof compileApp>;
  let child: ChildProcess;
  let url: string;
  let stream: EventStream;

  beforeAll(async () => {
    compiledApp = compileApp(APPLICATION);
    const env = { ...process.env, PUBLISH_KEY: KEY };
    const started = spawn(process.execPath, [compiledApp.main], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    child = started;
    const [text] = (await within(once(started.stdout, 'data'), 'the address', PATIENCE_MS)) as unknown[];
    url = String(text).trim();
    stream = await openStream(`${url}/orders`);
  }, 2 * PATIENCE_MS);
  afterAll(() => {
    child.kill('SIGKILL');
    compiledApp.remove();
  });

  itWith('curl')('runs its commands with curl, and clients receive what they publish', async () => {
    const commands = blocks('sh');
    expect(commands).toHaveLength(2);
    const [single, batch] = commands.map((command) => {
      const { stdout } = spawnSync('sh', ['-c', command.replace('http://localhost:3000', url)], {
        encoding: 'utf8',
        env: { ...process.env, PUBLISH_KEY: KEY, no_proxy: '*' },
      });
      return JSON.parse(stdout) as { position: string; results: { position: string }[] };
    });
    const events = await stream.nextEvents(3);
    expect(events).toMatchObject([
      { event: 'paid', data: '{"id":7}', id: single?.position },
      { data: 'first', id: batch?.results[0]?.position },
      { data: 'second', id: batch?.results[1]?.position },
    ]);
  });

  itWith('python3')('publishes for a service in Python', async () => {
    const body = JSON.stringify({ rooms: 'orders/7', event: 'from-python', data: { text: 'grüß dich' } });
    const run = (key: string): string =>
      spawnSync('python3', ['-c', PYTHON, url, key, body], { encoding: 'utf8' }).stdout.trim();
    expect(run(KEY)).toMatch(/^200 \{"position":"1\./);
    expect(await stream.nextEvent()).toMatchObject({ event: 'from-python', data: '{"text":"grüß dich"}' });
    expect(run('other')).toBe('401');
  });

  it('lists the options, codes and defaults of the code', () => {
    const options = Object.fromEntries(cells('HTTP API option').map(([name, value]) => [name, value]));
    const defaults = Object.entries(HTTP_API_DEFAULTS);
    expect(options).toMatchObject(
      Object.fromEntries(defaults.map(([name, value]) => [name, value.toLocaleString('en-US')])),
    );
    expect(Object.keys(options).toSorted()).toEqual([...KNOWN_OPTIONS].toSorted());
    const codes = cells('HTTP API code').map(([code = '']) => code);
    expect(codes.toSorted()).toEqual([...HTTP_API_CODES].toSorted());
    for (const [code, status] of cells('HTTP API code'))
      expect([code, status]).toEqual([code, expect.stringMatching(/^\d{3}$/)]);
  });
});
