import * as fc from 'fast-check';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { Counters, expectExactAfterState, receivedUntilEnd, snapshotApp } from '../resume/snapshot-app.js';
import type { EventStream } from '../support/event-stream.js';
import { express, fastify, type Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { chosenSeed } from '../support/seeds.js';
import { eventually } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

describeWithRedis.each<{ driver: RedisDriverName; partitions: number }>([
  { driver: 'redis', partitions: 1 },
  { driver: 'ioredis', partitions: 3 },
])('a snapshot of a room, over $driver with $partitions partitions', ({ driver, partitions }) => {
  let server: RedisServer;
  let one: RunningApp;
  let two: RunningApp;
  /** The state is in one process, and its events come from both nodes. */
  let counters: Counters;
  let rooms = 0;

  beforeEach(async () => {
    server = await RedisServer.start();
    const start = (platform: Platform): Promise<RunningApp> =>
      platform.start(snapshotApp({ broker: redisBroker({ url: server.url, driver, partitions }) }));
    [one, two] = [await start(express), await start(fastify)];
    counters = one.get(Counters);
    const other = two.get(Counters);
    other.load = (room) => counters.load(room);
  });
  afterEach(async () => {
    await Promise.all([one.close(), two.close()]);
    await server.dispose();
  });

  const count = (room: string): Promise<void> =>
    counters.count(room, (counters.values.get(room) ?? 0) % 2 === 0 ? one.sse : two.sse);

  it('lacks no event between the state and those that follow, on each node', async () => {
    const amount = fc.integer({ min: 0, max: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('counters', 'shared'),
        fc.array(amount, { minLength: 1, maxLength: 5 }),
        async (path, openings) => {
          const room = `room-${rooms++}`;
          counters.beforeRead = () => count(room);
          counters.afterRead = () => count(room);
          const streams: EventStream[] = [];
          for (const during of openings) {
            const opening = (streams.length % 2 === 0 ? two : one).listen(`/${path}/${room}`);
            for (let n = 0; n < during; n++) await count(room);
            streams.push(await opening);
          }
          await count(room);
          for (const stream of streams) {
            expectExactAfterState(await receivedUntilEnd(one, stream, room), counters.values.get(room) ?? 0);
            stream.close();
          }
        },
      ),
      { numRuns: 15, seed: chosenSeed() },
    );
  });

  it('is sent again on each node after a loss of all data', async () => {
    await count('a');
    const streams = [await one.listen('/counters/a'), await two.listen('/counters/a')];
    for (const stream of streams) await stream.nextEvent();
    await count('a');
    for (const stream of streams) expect(await stream.nextEvent()).toMatchObject({ data: '2' });
    await server.command('FLUSHALL');
    await count('a');
    for (const stream of streams) {
      const states = (): string[] =>
        stream.events.filter(({ event }) => event === 'snapshot').map(({ data }) => data);
      await eventually(() => states().at(-1) === '3', 'the state after the gap', 15_000);
    }
  });
});
