import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { EventSource } from 'eventsource';
import { compileApp } from '../support/compiled-app.js';
import { eventually, PATIENCE_MS } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const CLIENTS = 12;
const EVENTS = 60;

/**
 * The primary hands a connection to a worker that was just killed: Node neither closes it nor gives it to another worker,
 * so that its request never ends. Clients give up after this time and connect again.
 */
const ANSWER_TIMEOUT_MS = 5_000;

/** The primary forks four workers, and kills one for each line of its input. */
const MAIN = `
  import cluster from 'node:cluster';
  import { Controller, Get, Module, Param, Post } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { SseModule, SseRoom, SseService } from 'nestjs-simple-sse';
  import { redisBroker } from 'nestjs-simple-sse/redis';

  @Controller()
  class NewsController {
    constructor(private readonly sse: SseService) {}

    @Get('news')
    @SseRoom('news')
    news(): void {}

    @Post('news/:n')
    publish(@Param('n') n: string): Promise<string | undefined> {
      return this.sse.broadcast('news', undefined, n, { idempotencyKey: n });
    }
  }

  @Module({
    imports: [SseModule.forRoot({ retryMs: 50, broker: redisBroker({ url: process.env['REDIS_URL'] as string }) })],
    controllers: [NewsController],
  })
  class AppModule {}

  if (cluster.isPrimary) {
    let ready = 0;
    for (let n = 0; n < 4; n++) cluster.fork();
    cluster.on('message', (_worker, port) => {
      if (++ready === 4) console.log(port);
    });
    process.stdin.on('data', () => Object.values(cluster.workers ?? {})[0]?.process.kill('SIGKILL'));
    process.stdin.on('end', () => process.exit());
  } else {
    const app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    process.send?.(new URL(await app.getUrl()).port);
  }
`;

/** Fetches, and rejects where the head of the answer does not come within `ANSWER_TIMEOUT_MS`. The body may take longer. */
async function fetchOrGiveUp(url: string | URL, init: RequestInit): Promise<Response> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), ANSWER_TIMEOUT_MS);
  const signals = [giveUp.signal, ...(init.signal ? [init.signal] : [])];
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any(signals) });
  } finally {
    clearTimeout(timer);
  }
}

describeWithRedis('four workers of node:cluster', () => {
  it('lose no event, and repeat none, when one is killed', async () => {
    const server = await RedisServer.start();
    const app = compileApp(MAIN);
    const primary: ChildProcess = spawn(process.execPath, [app.main], {
      env: { ...process.env, REDIS_URL: server.url },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const sources: EventSource[] = [];
    try {
      let port = '';
      createInterface({ input: primary.stdout as NodeJS.ReadableStream }).once(
        'line',
        (line) => (port = line),
      );
      await eventually(() => port !== '', 'four workers', PATIENCE_MS);
      const url = `http://127.0.0.1:${port}/news`;
      const received = Array.from({ length: CLIENTS }, (): string[] => []);
      const gaps: string[] = [];
      let ready = 0;
      for (const events of received) {
        const source = new EventSource(url, { fetch: fetchOrGiveUp });
        source.addEventListener('sse:ready', () => ready++);
        source.addEventListener('sse:gap', ({ data }) => gaps.push(data as string));
        source.addEventListener('message', ({ data }) => events.push(data as string));
        sources.push(source);
      }
      await eventually(() => ready === CLIENTS, 'the clients', PATIENCE_MS);
      for (let n = 0; n < EVENTS; n++) {
        if (n === EVENTS / 2) primary.stdin?.write('kill one\n');
        // A request to the killed worker fails: repeated with the same key, it counts once.
        await eventually(
          () =>
            fetchOrGiveUp(`${url}/${n}`, { method: 'POST' })
              .then(({ ok }) => ok)
              .catch(() => false),
          `the publish of ${n}`,
          PATIENCE_MS,
        );
      }
      const expected = Array.from({ length: EVENTS }, (_, n) => `${n}`);
      await eventually(() => received.every((events) => events.length >= EVENTS), 'all events', PATIENCE_MS);
      for (const events of received) expect(events).toEqual(expected);
      expect(gaps).toEqual([]);
      expect(ready).toBeGreaterThan(CLIENTS);
    } finally {
      for (const source of sources) source.close();
      primary.stdin?.end();
      await eventually(
        () => primary.exitCode !== null || primary.signalCode !== null,
        'the end',
        PATIENCE_MS,
      );
      app.remove();
      await server.dispose();
    }
  }, 120_000);
});
