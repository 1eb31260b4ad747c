import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { SseService, type BrokerState, type SseModuleOptions } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { startTestApp, TestController } from '../resume/test-app.js';
import { CollectingLogger } from '../support/collecting-logger.js';
import { compileApp } from '../support/compiled-app.js';
import { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS, within } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** A script that publishes once, asks for the members of a room, and closes. */
const SCRIPT = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseModule, SseService } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';

const [, , url = '', driver] = process.argv;
const broker = redisBroker({ url, driver: driver as 'redis' | 'ioredis' });

@Module({ imports: [SseModule.forRoot({ broker, rooms: { 'chat/*': { presence: true } } })] })
class WorkerModule {}

const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['error', 'warn'] });
const sse = app.get(SseService);
void sse.broadcast('chat/1', 'news', 'from the script');
console.log((await sse.presence('chat/1')).map(({ user }) => user).join());
await app.close();
`;

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])('a process without HTTP, over %s', (driver) => {
  let server: RedisServer;
  const apps: INestApplicationContext[] = [];
  const running: RunningApp[] = [];
  const logger = new CollectingLogger();

  beforeEach(async () => {
    server = await RedisServer.start();
    logger.clear();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await server.dispose();
  });

  const rooms = { 'chat/*': { presence: true } };
  const optionsWith = (options: SseModuleOptions = {}): SseModuleOptions => ({
    broker: redisBroker({ url: server.url, driver }),
    ...options,
  });
  const startWorker = async (options: SseModuleOptions = {}): Promise<SseService> => {
    const app = await NestFactory.createApplicationContext(sseApp({ options: optionsWith(options) }), {
      logger,
    });
    apps.push(app);
    return app.get(SseService, { strict: false });
  };
  const startNode = async (options: SseModuleOptions = {}): Promise<RunningApp> => {
    const app = await startTestApp(optionsWith(options));
    running.push(app);
    return app;
  };
  /** Connections at the server, without the one that asks. */
  const connections = async (): Promise<number> =>
    (await server.command('CLIENT', 'LIST')).trim().split('\n').length - 1;

  it('has one connection while it publishes, asks for members and for the position, and a second one for commands', async () => {
    const sse = await startWorker({ rooms });
    expect(await connections()).toBe(1);
    await sse.broadcast(['chat/1', 'chat/2'], 'news', 1);
    await sse.broadcast('*', 'news', 1, { volatile: true, except: { user: 'ann' } });
    expect(await sse.presence('chat/1')).toEqual([]);
    expect(await sse.presenceCount('chat/1')).toEqual({ users: 0, connections: 0 });
    expect(await sse.position('chat/1')).toMatch(/^1\./);
    expect(await connections()).toBe(1);
    expect(await sse.disconnect({ user: 'ann' })).toBe(0);
    expect(await sse.leave({ user: 'ann' }, 'chat/1')).toBe(0);
    expect(await connections()).toBe(2);
    expect(logger.complaints).toEqual([]);
  });

  it('opens the second connection for the first subscriber, who misses no later event', async () => {
    const [sse, other] = [await startWorker(), await startWorker()];
    const states: BrokerState[] = [];
    sse.brokerState$.subscribe((state) => states.push(state));
    expect(states).toEqual(['live']);
    const received: unknown[] = [];
    sse.stream('a').subscribe(({ data }) => received.push(data));
    await eventually(async () => (await connections()) === 3, 'the second connection');
    await eventually(() => states.at(-1) === 'live' && states.length > 1, 'live');
    await other.broadcast('a', 'n', 'from elsewhere');
    await sse.broadcast('a', 'n', 'own');
    await eventually(() => received.length === 2, 'both events');
    expect(received).toEqual(['from elsewhere', 'own']);
    expect(states).toEqual(['live', 'syncing', 'live']);
  });

  it('asks for the members that other nodes have, and ends their streams, without identify', async () => {
    const node = await startNode({ rooms, identify: () => ({ user: 'ann' }) });
    const stream = await node.listen('/in?rooms=chat/1');
    const sse = await startWorker({ rooms });
    await eventually(async () => (await sse.presence('chat/1')).length === 1, 'the member');
    expect(await sse.presence('chat/1')).toEqual([{ user: 'ann', connections: 1 }]);
    await sse.disconnect({ user: 'ann' });
    expect(await within(stream.ended, 'the end of the stream')).toBe('whole');
  });

  it('continues after an outage of Redis, with a new epoch', async () => {
    const sse = await startWorker();
    const before = await sse.position('a');
    await server.restart();
    await eventually(() => sse.broadcast('a', 'n', 1).catch(() => undefined), 'a broadcast');
    const after = await sse.position('a');
    expect(after?.split('.')[1]).not.toBe(before?.split('.')[1]);
    expect(await connections()).toBe(1);
  });

  it('is a node with clients where a testing module creates the HTTP application later', async () => {
    const module = await Test.createTestingModule({
      imports: [sseApp({ options: optionsWith(), controllers: [TestController] })],
    }).compile();
    const app = module.createNestApplication(new ExpressAdapter(), { logger });
    await app.listen(0, '127.0.0.1');
    const node = new RunningApp(app, logger, 'http', false);
    running.push(node);
    const stream = await node.listen('/in?rooms=a');
    await stream.nextEvent({ control: true });
    await (await startWorker()).broadcast('a', 'n', 'from the worker');
    await node.sse.broadcast('*', 'n', 'to all');
    expect((await stream.nextEvents(2)).map(({ data }) => data)).toEqual(['from the worker', 'to all']);
  });

  it('ends by itself after app.close(), writes no line, and its event has arrived', async () => {
    const compiledApp = compileApp(SCRIPT);
    const node = await startNode({ rooms, identify: () => ({ user: 'ann' }) });
    const stream = await node.listen('/in?rooms=chat/1');
    await stream.nextEvent({ control: true });
    const sse = await startWorker({ rooms });
    await eventually(async () => (await sse.presence('chat/1')).length === 1, 'the member');
    const script = spawn(process.execPath, [compiledApp.main, server.url, driver]);
    try {
      let [output, errors] = ['', ''];
      script.stdout.on('data', (text) => (output += String(text)));
      script.stderr.on('data', (text) => (errors += String(text)));
      const [code] = (await within(once(script, 'close'), 'the end of the script', PATIENCE_MS)) as [number];
      expect({ code, output, errors }).toEqual({ code: 0, output: 'ann\n', errors: '' });
      expect((await stream.nextEvent()).data).toBe('from the script');
    } finally {
      script.kill('SIGKILL');
      compiledApp.remove();
    }
  });
});
