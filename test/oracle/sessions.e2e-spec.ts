import { jest } from '@jest/globals';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { LateRooms } from '../../src/rooms/resume/late-rooms.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { ClientConnection } from '../../src/connection/client-connection.js';
import { StreamSessions } from '../../src/sessions/stream-sessions.js';
import { StreamSession } from '../../src/sessions/stream-session.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { SessionController, sessionApp } from '../sessions/session-app.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { pause } from '../support/within.js';
import { playSessions } from './play-sessions.js';
import { nodeOf, SessionTraffic, type PlayVerdict } from './session-traffic.js';

/** `SSE_SESSION_DELIVERIES=200000` plays the long form. */
const DELIVERIES = Number(process.env['SSE_SESSION_DELIVERIES'] ?? 4_000);
/** Wait for an event that a fault may have lost, in milliseconds. */
const MUTANT_PATIENCE_MS = 200;
/** Runs in which the oracle must find a fault at least once. */
const MAX_RUNS = 5;

describeWithRedis('sessions on three nodes, under random cuts, joins and leaves', () => {
  let server: RedisServer;
  let nodes: RunningApp[];
  const revoked = new Set<string>();

  beforeEach(async () => {
    server = await RedisServer.start();
    const module = () =>
      sessionApp({
        broker: redisBroker({ url: server.url }),
        historyMaxEvents: 5_000,
        retryMs: 0,
        authorizeRoom: ({ request }, room) => {
          const { session } = (request as { query: { session: string } }).query;
          return !revoked.has(`${session} ${room}`);
        },
      });
    nodes = [await express.start(module()), await fastify.start(module()), await express.start(module())];
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const node of nodes) await node.close();
    await server.dispose();
  });

  function play(deliveries: number, seed: number, patienceMs?: number): Promise<PlayVerdict> {
    const random = seededRandom(seed);
    const anyNode = (): RunningApp => nodes[Math.floor(random() * nodes.length)] as RunningApp;
    return playSessions(new SessionTraffic(() => nodeOf(anyNode(), revoked), random), {
      deliveries,
      patienceMs,
      isStored: async (key) => {
        const count = await server.command('EVAL', "return #redis.call('KEYS', ARGV[1])", '0', `*:h:${key}`);
        return count === ':1';
      },
    });
  }

  it('lose nothing, repeat nothing, keep the order, and receive no event of another room', async () => {
    const { deliveries, ...faults } = await play(DELIVERIES, 7);
    expect(faults).toEqual({ lost: [], doubles: [], disorder: [], foreign: [], gaps: [], shared: [] });
    expect(deliveries).toBeGreaterThanOrEqual(DELIVERIES);
    expect(nodes.map((node) => node.get(SessionController).clients.length).every((count) => count > 5)).toBe(
      true,
    );
  }, 900_000);

  /** Puts a fault into all nodes. */
  type Mutate = () => void;

  it.each<[string, Mutate, 'lost' | 'foreign' | 'shared']>([
    ['that are not restored', restoreNothing, 'lost'],
    ['whose events from before the join are replayed', replayFromBeforeJoins, 'foreign'],
    ['whose rooms begin after the answer to the join', beginAfterAnswers, 'lost'],
    ['whose rooms are not asked for at the restore', skipAuthorization, 'foreign'],
    ['whose joins are answered before the node receives the room', answerAtOnce, 'lost'],
    ['that two streams have', keepOlderStreams, 'shared'],
  ])(
    '%s are found',
    async (_name, mutate, found) => {
      mutate();
      // A short run need not have the moment that shows the fault.
      let count = 0;
      for (let seed = 8; seed < 8 + MAX_RUNS && count === 0; seed++)
        count = (await play(800, seed, MUTANT_PATIENCE_MS))[found].length;
      expect(count).toBeGreaterThan(0);
    },
    300_000,
  );
});

function restoreNothing(): void {
  // Called with its own `this`, as are the methods below.
  // oxlint-disable-next-line typescript/unbound-method
  const { restore } = StreamSession.prototype;
  jest.spyOn(StreamSession.prototype, 'restore').mockImplementation(async function (this: StreamSession) {
    return { ...(await restore.call(this)), rooms: [] };
  });
}

function replayFromBeforeJoins(): void {
  jest.spyOn(LateRooms.prototype, 'since').mockReturnValue(0);
}

/** The position at which the stream comes back, instead of that of the join. */
function beginAfterAnswers(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { restore } = StreamSession.prototype;
  jest.spyOn(StreamSession.prototype, 'restore').mockImplementation(async function (this: StreamSession) {
    const { rooms, isNew } = await restore.call(this);
    // Positions are microseconds.
    return { isNew, rooms: rooms.map((each) => ({ ...each, position: Date.now() * 1_000 })) };
  });
}

function skipAuthorization(): void {
  jest.spyOn(StreamSessions.prototype, 'allowed').mockImplementation(async (_client, rooms) => rooms);
}

function answerAtOnce(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { subscribe } = RedisBroker.prototype;
  jest.spyOn(RedisBroker.prototype, 'subscribe').mockImplementation(async function (this: RedisBroker, room) {
    pause(200)
      .then(() => subscribe.call(this, room))
      .catch(() => {});
  });
}

function keepOlderStreams(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { end } = ClientConnection.prototype;
  jest.spyOn(ClientConnection.prototype, 'end').mockImplementation(function (this: ClientConnection, reason) {
    if (reason !== 'session-taken') end.call(this, reason);
  });
}
