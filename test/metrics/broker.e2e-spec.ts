import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { express } from '../support/platforms.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually } from '../support/within.js';
import { RecordingMetrics } from './recording-metrics.js';
import type { RunningApp } from '../support/running-app.js';

describeWithRedis.each<{ driver: RedisDriverName; partitions: number }>([
  { driver: 'redis', partitions: 1 },
  { driver: 'ioredis', partitions: 3 },
])('the metrics of Redis over $driver with $partitions partitions', ({ driver, partitions }) => {
  let server: RedisServer;
  const apps: RunningApp[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await server.dispose();
  });

  async function start(metrics: RecordingMetrics): Promise<RunningApp> {
    const broker = redisBroker({ url: server.url, driver, partitions });
    const app = await express.start(testApp({ options: { broker, metrics } }));
    apps.push(app);
    return app;
  }

  it('name the source of a resume: Redis on a node that was not there, then the node itself', async () => {
    const metrics = new RecordingMetrics();
    const one = await start(new RecordingMetrics());
    const first = await connectClient(one, '/rooms/shop');
    await one.sse.broadcast('shop', 'n', 0);
    const { id = '' } = await first.stream.nextEvent();
    for (const n of [1, 2]) await one.sse.broadcast('shop', 'n', n);
    const two = await start(metrics);
    const resumed = await two.listen('/rooms/shop', { headers: { 'last-event-id': id } });
    const [, last] = await resumed.nextEvents(2);
    await one.sse.broadcast('shop', 'n', 3);
    await resumed.nextEvent();
    const again = await two.listen('/rooms/shop', { headers: { 'last-event-id': last?.id ?? '' } });
    expect((await again.nextEvent()).data).toBe('3');
    expect(metrics.of('clientResumed')).toEqual([
      ['full', 'broker'],
      ['full', 'node'],
    ]);
    expect(metrics.of('brokerCalled')).toContainEqual(['read', 'ok', expect.any(Number)]);
  });

  it('count the states of the broker and each return from an outage', async () => {
    const metrics = new RecordingMetrics();
    const app = await start(metrics);
    await connectClient(app, '/rooms/shop');
    expect(metrics.of('brokerStateChanged').at(-1)).toEqual(['live']);
    expect(metrics.of('brokerReconnected')).toEqual([]);
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(() => metrics.of('brokerReconnected').length === 1, 'live again');
    const states = metrics.of('brokerStateChanged').map(([state]) => state);
    expect(states.slice(states.indexOf('live'))).toEqual(expect.arrayContaining(['down', 'live']));
  });
});
