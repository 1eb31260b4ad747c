import { NestFactory } from '@nestjs/core';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import { SseService } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { receivedUntil, startTestApp, textsOf } from '../resume/test-app.js';
import { CollectingLogger } from '../support/collecting-logger.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const COUNT = 50;
const texts = Array.from({ length: COUNT }, (_, n) => `${n}`);
/** Longer than a loaded machine needs. */
const GRACE_MS = 20_000;

describeWithRedis.each([
  { driver: 'redis', partitions: 1 },
  { driver: 'ioredis', partitions: 1 },
  { driver: 'redis', partitions: 3 },
] as const)('app.close() over $driver with $partitions partitions', ({ driver, partitions }) => {
  let server: RedisServer;
  let node: RunningApp;

  beforeEach(async () => {
    server = await RedisServer.start();
    node = await startTestApp(optionsFor(server.url, driver, partitions));
  });
  afterEach(async () => {
    await node.close();
    await server.dispose();
  });

  it('waits for broadcasts that a worker did not await: all arrive, in order, and nothing is logged', async () => {
    const stream = await node.listen('/in?rooms=a');
    await stream.nextEvent({ control: true });
    const logger = new CollectingLogger();
    const worker = await NestFactory.createApplicationContext(
      sseApp({ options: optionsFor(server.url, driver, partitions) }),
      { logger },
    );
    const sse = worker.get(SseService, { strict: false });
    for (const text of texts) void sse.broadcast('a', text);
    await worker.close();
    expect(textsOf(await receivedUntil(stream, '49'))).toEqual(texts);
    expect(logger.complaints).toEqual([]);
  });

  it("delivers a node's own events, awaited or not, before its streams end", async () => {
    const stream = await node.listen('/in?rooms=a,b');
    await stream.nextEvent({ control: true });
    for (const text of texts) void node.sse.broadcast(['a', 'b'], text);
    const received = stream.eventsUntilEnd();
    await node.shutDown();
    expect((await within(received, 'the end of the stream')).map(({ data }) => data)).toEqual(texts);
    expect(node.logger.complaints).toEqual([]);
  });

  it('waits for a command that was not awaited', async () => {
    const stream = await node.listen('/in?rooms=a');
    await stream.nextEvent({ control: true });
    const worker = await NestFactory.createApplicationContext(
      sseApp({ options: optionsFor(server.url, driver, partitions) }),
      { logger: false },
    );
    void worker.get(SseService, { strict: false }).disconnect({ room: 'a' });
    await worker.close();
    expect(await within(stream.ended, 'the end of the stream')).toBe('whole');
  });
});

describeWithRedis('app.close() while Redis does not answer', () => {
  it('waits for broadcasts in flight for shutdownGraceMs at most, and logs those that were lost', async () => {
    const server = await RedisServer.start();
    const proxy = await BlackHoleProxy.start(server.port);
    const broker = redisBroker({ url: proxy.url, publishTimeoutMs: 600_000 });
    const logger = new CollectingLogger();
    const worker = await NestFactory.createApplicationContext(
      sseApp({ options: { broker, shutdownGraceMs: 50 } }),
      { logger },
    );
    proxy.mute();
    const sse = worker.get(SseService, { strict: false });
    for (let n = 0; n < 3; n++) void sse.broadcast('a', 'lost');
    await within(worker.close(), 'the close of the application');
    const lines = (): string[] => logger.complaints.map(({ text }) => text);
    await eventually(() => lines().length === 2, 'a line for the first, and one for the others');
    expect(lines()[1]).toContain('It happened 2 more times');
    proxy.close();
    await server.dispose();
  });
});

function optionsFor(url: string, driver: RedisDriverName, partitions: number): SseModuleOptions {
  return { broker: redisBroker({ url, driver, partitions }), shutdownGraceMs: GRACE_MS };
}
