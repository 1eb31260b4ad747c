import { jest } from '@jest/globals';
import type { RoomMessage } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import { LocalRoom, LocalRooms } from '../../src/broker/redis/feed/local-rooms.js';
import { RecentEvents } from '../../src/broker/redis/history/recent-events.js';
import { pause } from '../support/within.js';
import { judge, type OracleOptions } from './oracle.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import type { Verdict } from './verdict.js';

/** Clients leave rooms that nobody else here is in, and each cut ends what lingers. */
const SPARSE = { rooms: 40, followers: 12, publishers: 8 };

/** What is believed of the node's memory, because the oracle or the contract catches where it is broken. */
describeWithRedis('a broker that answers from what it has delivered', () => {
  let server: RedisServer;

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await server.dispose();
  });

  const run = (crowd: Partial<OracleOptions> = {}): Promise<Verdict> =>
    judge({
      seed: 1,
      durationMs: 1_500,
      ...crowd,
      createBroker: () => redisBroker({ url: server.url, publishTimeoutMs: 2_000 }),
      fault: async ({ isEnough }) => {
        while (!isEnough()) {
          await pause(200);
          await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        }
      },
    });

  it('is sound', async () => {
    forgetAtOnce();
    const { silentlyLost, duplicates, disorder, resumes } = await run(SPARSE);
    expect({ silentlyLost, duplicates, disorder }).toEqual({ silentlyLost: 0, duplicates: 0, disorder: 0 });
    expect(resumes).toBeGreaterThan(20);
  });

  it('and forgets since when it follows a room is caught by the oracle', async () => {
    forgetAtOnce();
    ignoreFloor();
    expect((await run(SPARSE)).silentlyLost).toBeGreaterThan(0);
  });

  it('and forgets since when it follows a room is caught by the contract', async () => {
    ignoreFloor();
    const { url } = server;
    const cases = brokerContract({
      name: '',
      shared: true,
      createFixture: () => ({ createBroker: () => redisBroker({ url }) }),
    });
    const joining = cases.find(({ name }) => name.includes('subscribe, then read'));
    await expect(joining?.run()).rejects.toThrow();
  });

  it('and lacks what was read after a cut is caught by the oracle', async () => {
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
    expect((await run()).silentlyLost).toBeGreaterThan(0);
  });
});

/** A room that nobody wants is forgotten at the next change, not some seconds later. */
function forgetAtOnce(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { release } = LocalRooms.prototype;
  jest.spyOn(LocalRooms.prototype, 'release').mockImplementation(function (this: LocalRooms, name: string) {
    release.call(this, name);
    const room = this.get(name);
    if (room?.isInUse === false) room.idleSinceMs = -Infinity;
  });
}

/** Every room seems to have been followed since the beginning. */
function ignoreFloor(): void {
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
