import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { compileApp } from '../support/compiled-app.js';
import { openStream, type EventStream } from '../support/event-stream.js';
import { PATIENCE_MS, within } from '../support/within.js';

const [recipe = ''] = Array.from(
  readFileSync('docs/07-several-nodes.md', 'utf8').matchAll(/^```ts\n([^]*?)^```$/gm),
  ([, code = '']) => code,
).filter((code) => code.includes('PublishController'));

const APPLICATION = `
import 'reflect-metadata';
import { Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseModule, SseRoom } from 'nestjs-simple-sse';
${recipe}

@Controller()
class NewsController {
  @Get('news')
  @SseRoom('news')
  news(): void {}
}

@Module({ imports: [SseModule.forRoot()], controllers: [PublishController, NewsController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
console.log(await app.getUrl());
`;

/** Publishes as a service in Python does, with its standard library. Prints the status and the body. */
const PYTHON = `
import json, sys, urllib.error, urllib.request
url, key, body = sys.argv[1:]
request = urllib.request.Request(url + '/publish', body.encode(), {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + key})
try:
    with urllib.request.urlopen(request) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
`;
const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) process.emitWarning('python3 is not on the PATH: the recipe is not called from Python.');

describe('the recipe for services in other languages', () => {
  let compiledApp: ReturnType<typeof compileApp>;
  let child: ChildProcess;
  let url: string;
  let stream: EventStream;

  beforeAll(async () => {
    compiledApp = compileApp(APPLICATION);
    const env = { ...process.env, PUBLISH_KEY: 'secret' };
    const started = spawn(process.execPath, [compiledApp.main], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    child = started;
    const [text] = (await within(once(started.stdout, 'data'), 'the address', PATIENCE_MS)) as unknown[];
    url = String(text).trim();
    stream = await openStream(`${url}/news`);
  }, 2 * PATIENCE_MS);
  afterAll(() => {
    child.kill('SIGKILL');
    compiledApp.remove();
  });

  const post = (key: string, body: object): Promise<Response> =>
    fetch(`${url}/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    });

  it('publishes an event once for each idempotency key, and answers with its id', async () => {
    const body = { room: 'news', event: 'published', data: { id: 1 }, idempotencyKey: 'news-1' };
    const answers = [await post('secret', body), await post('secret', body)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const [first, second] = (await Promise.all(answers.map((answer) => answer.json()))) as { id: string }[];
    expect(second).toEqual(first);
    await post('secret', { room: 'news', data: 'next' });
    const events = await stream.nextEvents(2);
    expect(events).toMatchObject([
      { event: 'published', data: '{"id":1}', id: first?.id },
      { event: 'message', data: 'next' },
    ]);
  });

  it.each(['wrong', 'undefined', ''])('refuses the key "%s"', async (key) => {
    expect((await post(key, { room: 'news', data: 'no' })).status).toBe(401);
  });

  (hasPython || process.env['CI'] === 'true' ? it : it.skip)(
    'publishes for a service in Python',
    async () => {
      const body = JSON.stringify({ room: 'news', event: 'from-python', data: { text: 'grüß dich' } });
      const run = (key: string): string =>
        spawnSync('python3', ['-c', PYTHON, url, key, body], { encoding: 'utf8' }).stdout.trim();
      expect(run('secret')).toMatch(/^201 \{"id":"1\./);
      expect(await stream.nextEvent()).toMatchObject({ event: 'from-python', data: '{"text":"grüß dich"}' });
      expect(run('other')).toBe('401');
    },
  );
});
