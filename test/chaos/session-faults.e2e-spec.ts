import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { playSessions } from '../oracle/play-sessions.js';
import { SessionTraffic } from '../oracle/session-traffic.js';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { pause } from '../support/within.js';
import { Fleet } from './fleet.js';
import { nodeAt } from './http-sessions.js';

/** `SSE_SESSION_FAULT_DELIVERIES=50000` plays the long form: as many deliveries in each of four rows. */
const LONG = process.env['SSE_SESSION_FAULT_DELIVERIES'];
const DELIVERIES = Number(LONG ?? 800);

const ROWS: [RedisDriverName, number][] =
  LONG === undefined
    ? [['ioredis', 3]]
    : [
        ['redis', 1],
        ['ioredis', 3],
        ['redis', 3],
        ['ioredis', 1],
      ];

describeWithRedis('pages with sessions on three node processes, under faults', () => {
  let fleet: Fleet;
  let server: RedisServer;

  beforeAll(() => {
    fleet = new Fleet();
  });
  beforeEach(async () => {
    server = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
  });
  afterEach(async () => {
    await fleet.stop();
    await server.dispose();
  });
  afterAll(() => fleet.dispose());

  it.each(ROWS)(
    'lose nothing, repeat nothing, keep the order, and receive no event of another room, over %s with partitions: %d',
    async (driver, partitions) => {
      await fleet.start((node) => ({
        platform: node === 1 ? 'fastify' : 'express',
        broker: { url: server.url, driver, partitions, onFailover: 'trust' },
        historyMaxEvents: 20_000,
        clockShiftMs: 0,
      }));
      await fleet.allLive();
      const random = seededRandom(partitions);
      const traffic = new SessionTraffic(() => nodeAt(fleet.any(random).url), random);
      const faults: readonly (() => Promise<unknown>)[] = [
        () => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub'),
        () => replaceNode(0),
        () => server.command('CLIENT', 'KILL', 'TYPE', 'normal'),
        () => server.restart(),
        () => reopenNode(1),
      ];
      const { deliveries, ...found } = await playSessions(traffic, {
        deliveries: DELIVERIES,
        isStored: async (key) => {
          const count = await server.command(
            'EVAL',
            "return #redis.call('KEYS', ARGV[1])",
            '0',
            `*:h:${key}`,
          );
          return count === ':1';
        },
        fault: async () => {
          for (const fault of faults) {
            await fault();
            await pause(500 * random());
          }
        },
        recovered: () => fleet.allLive(),
      });
      expect(found).toEqual({ lost: [], doubles: [], disorder: [], foreign: [], gaps: [], shared: [] });
      expect(deliveries).toBeGreaterThanOrEqual(DELIVERIES);
    },
    LONG === undefined ? 120_000 : 3_600_000,
  );

  /** Kills a process, and starts another one. */
  async function replaceNode(number: number): Promise<void> {
    await fleet.node(number).kill();
    await fleet.restart(number);
  }

  /** Closes the application of a process, and starts another one in it. */
  async function reopenNode(number: number): Promise<void> {
    await fleet.reopen(number);
  }
});
