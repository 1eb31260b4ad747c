import { jest } from '@jest/globals';
import type { RoomMessage } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import { LocalRoom, LocalRooms } from '../../src/broker/redis/feed/local-rooms.js';
import { RecentEvents } from '../../src/broker/redis/history/recent-events.js';
import { EXACT_ON_BROKER, runBrokerOracle, type BrokerOracleOptions } from '../oracle/broker-oracle.js';
import type { TrafficVerdict } from '../oracle/traffic.js';
import { pause } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** So few clients that rooms often lose their last one on a node; each cut ends the subscriptions that linger. */
const SPARSE = { rooms: 40, clients: 12, publishers: 8 };

/** The oracle and the contract must find faults in a node's recent events, or they prove nothing. */
describeWithRedis('a broker that answers resumes from its recent events', () => {
  let server: RedisServer;

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await server.dispose();
  });

  const run = (options: Partial<BrokerOracleOptions> = {}): Promise<TrafficVerdict> =>
    runBrokerOracle({
      seed: 1,
      durationMs: 1_500,
      ...options,
      createBroker: () => redisBroker({ url: server.url, publishTimeoutMs: 2_000 }),
      fault: async ({ isEnough }) => {
        while (!isEnough()) {
          await pause(200);
          await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        }
      },
    });

  it('loses nothing silently', async () => {
    dropIdleRoomsAtOnce();
    const verdict = await run(SPARSE);
    expect(verdict).toMatchObject(EXACT_ON_BROKER);
    expect(verdict.resumes).toBeGreaterThan(20);
  });

  it('is caught by the oracle where it ignores since when it is subscribed to a room', async () => {
    dropIdleRoomsAtOnce();
    ignoreSubscriptionStart();
    expect((await run(SPARSE)).silentLosses).toBeGreaterThan(0);
  });

  it('is caught by the contract where it ignores since when it is subscribed to a room', async () => {
    ignoreSubscriptionStart();
    const { url } = server;
    const cases = brokerContract({
      name: '',
      shared: true,
      createFixture: () => ({ createBroker: () => redisBroker({ url }) }),
    });
    const joining = cases.find(({ name }) => name.includes('subscribe, then read'));
    await expect(joining?.run()).rejects.toThrow();
  });

  it('is caught by the oracle where it lacks the events read after a cut', async () => {
    // oxlint-disable-next-line typescript/unbound-method
    const { add } = RecentEvents.prototype;
    jest.spyOn(RecentEvents.prototype, 'add').mockImplementation(function (
      this: RecentEvents,
      message: RoomMessage,
      previous?: readonly number[],
    ) {
      if (previous !== undefined)
        add.call(
          this,
          message,
          message.rooms.map(() => 0),
        );
    });
    expect((await run()).silentLosses).toBeGreaterThan(0);
  });
});

/** Drops a room without clients at the next change, not some seconds later. */
function dropIdleRoomsAtOnce(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { release } = LocalRooms.prototype;
  jest.spyOn(LocalRooms.prototype, 'release').mockImplementation(function (this: LocalRooms, name: string) {
    release.call(this, name);
    const room = this.get(name);
    if (room?.isInUse === false) room.idleSinceMs = -Infinity;
  });
}

/** Treats every room as subscribed since the beginning. */
function ignoreSubscriptionStart(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { markSubscribed } = LocalRoom.prototype;
  jest.spyOn(LocalRoom.prototype, 'markSubscribed').mockImplementation(function (
    this: LocalRoom,
    position: number,
  ) {
    markSubscribed.call(this, position);
    this.completeAfter = 0;
  });
}
