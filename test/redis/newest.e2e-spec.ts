import { jest } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import * as fc from 'fast-check';
import { SseRoom, type HistoryPage } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { Partitions } from '../../src/rooms/partitions/partitions.js';
import { express, fastify, type Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { chosenSeed } from '../support/seeds.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { received } from './command-nodes.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

@Controller()
class PricesController {
  @Get('prices/:id')
  @SseRoom('prices/:id', { replay: 2 })
  prices(): void {}
}

describeWithRedis.each<{ driver: RedisDriverName; partitions: number }>([
  { driver: 'redis', partitions: 1 },
  { driver: 'ioredis', partitions: 1 },
  { driver: 'redis', partitions: 3 },
])('the newest events of a room, over $driver with $partitions partitions', ({ driver, partitions }) => {
  let server: RedisServer;
  let one: RunningApp;
  let two: RunningApp;
  let rooms = 0;

  beforeEach(async () => {
    server = await RedisServer.start();
    const start = (platform: Platform): Promise<RunningApp> => {
      const broker = redisBroker({ url: server.url, driver, partitions });
      return platform.start(sseApp({ controllers: [PricesController], options: { broker } }));
    };
    [one, two] = [await start(express), await start(fastify)];
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all([one.close(), two.close()]);
    await server.dispose();
  });

  /** Opens streams while both nodes publish. Fails unless each begins with the newest two, and misses nothing after them. */
  const checkStreams = (): Promise<void> =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ before: fc.integer({ min: 0, max: 3 }), during: fc.integer({ min: 0, max: 3 }) }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        async (openings) => {
          const room = rooms++;
          let count = 0;
          const publish = (): Promise<unknown> =>
            (count % 2 === 0 ? one : two).sse.broadcast(`prices/${room}`, 'x', `${count++}`);
          await publish();
          await publish();
          for (const { before, during } of openings) {
            for (let n = 0; n < before; n++) await publish();
            const acceptedBefore = count;
            const app = count % 2 === 0 ? two : one;
            const opening = app.listen(`/prices/${room}`);
            for (let n = 0; n < during; n++) await publish();
            const stream = await opening;
            await publish();
            const last = `${count - 1}`;
            await eventually(() => received(stream).includes(last), 'the last event', 5_000);
            const numbers = received(stream).map(Number);
            const first = numbers[0] ?? NaN;
            expect(numbers).toEqual(Array.from({ length: count - first }, (_, n) => first + n));
            // At least the two newest ones when the request was sent.
            expect(first).toBeGreaterThanOrEqual(acceptedBefore - 2);
            expect(first).toBeLessThanOrEqual(acceptedBefore + during - 2 + 1);
            stream.close();
          }
        },
      ),
      { numRuns: 15, seed: chosenSeed() },
    );

  it('begin a stream on any node, and are followed by every later event once', async () => {
    await checkStreams();
  });

  it('are found incomplete by this test where the newest one is left out', async () => {
    // Called with its own `this`.
    // oxlint-disable-next-line typescript/unbound-method
    const { readNewest } = Partitions.prototype;
    jest.spyOn(Partitions.prototype, 'readNewest').mockImplementation(async function (
      this: Partitions,
      ...args
    ) {
      const page: HistoryPage = await readNewest.apply(this, args);
      return { ...page, messages: page.messages.slice(0, -1) };
    });
    await expect(checkStreams()).rejects.toThrow();
  });
});
