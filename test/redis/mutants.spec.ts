import { jest } from '@jest/globals';
import type { HistoryPage, RoomMessage } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import type { ChannelMessage } from '../../src/broker/redis/channel-message.js';
import { Inbox, isMark, type Heard } from '../../src/broker/redis/inbox.js';
import { LocalRoom, LocalRooms } from '../../src/broker/redis/local-rooms.js';
import { NodeOrder } from '../../src/broker/redis/node-order.js';
import { RecentEvents } from '../../src/broker/redis/recent-events.js';
import { RoomReader } from '../../src/broker/redis/room-reader.js';
import { pause } from '../support/within.js';
import { judge, type OracleOptions, type Verdict } from './oracle.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** The oracle is believed because it catches these. */
describeWithRedis('the oracle catches a broker that', () => {
  let server: RedisServer;

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await server.dispose();
  });

  const run = (command: readonly string[], traffic: Partial<OracleOptions> = {}): Promise<Verdict> =>
    judge({
      seed: 1,
      durationMs: 1_500,
      ...traffic,
      createBroker: () => redisBroker({ url: server.url, publishTimeoutMs: 800 }),
      fault: async (isOver) => {
        while (!isOver()) {
          await pause(200);
          await server.command(...command);
        }
      },
    });
  const cutSubscribers = ['CLIENT', 'KILL', 'TYPE', 'pubsub'];
  // Called with their own `this`.
  // oxlint-disable-next-line typescript/unbound-method
  const { catchUp, judge: judgeMessage } = NodeOrder.prototype;
  // oxlint-disable-next-line typescript/unbound-method
  const { hold } = Inbox.prototype;

  it('does not read what it missed', async () => {
    jest.spyOn(NodeOrder.prototype, 'catchUp').mockImplementation(function (
      this: NodeOrder,
      page: HistoryPage,
    ) {
      catchUp.call(this, { ...page, messages: [], incompleteRooms: [] });
    });
    expect((await run(cutSubscribers)).silentlyLost).toBeGreaterThan(0);
  });

  it('delivers what it knows already', async () => {
    jest.spyOn(NodeOrder.prototype, 'judge').mockImplementation(function (
      this: NodeOrder,
      message: ChannelMessage,
    ) {
      const verdict = judgeMessage.call(this, message);
      return verdict === 'known' ? 'next' : verdict;
    });
    expect((await run(cutSubscribers)).disorder).toBeGreaterThan(0);
  });

  it('lets go of what it hears while it reads', async () => {
    jest.spyOn(Inbox.prototype, 'hold').mockImplementation(function (
      this: Inbox,
      heard: Heard,
      bytes: number,
    ) {
      if (isMark(heard)) hold.call(this, heard, bytes);
    });
    jest.spyOn(NodeOrder.prototype, 'judge').mockImplementation(function (
      this: NodeOrder,
      message: ChannelMessage,
    ) {
      // Nor does it look for holes, which would mend this.
      const verdict = judgeMessage.call(this, message);
      return verdict === 'ahead' && message.epoch === this.epoch ? 'next' : verdict;
    });
    // The time in which it reads is short: made longer, for something to fall into it each time.
    // oxlint-disable-next-line typescript/unbound-method
    const { read } = RoomReader.prototype;
    jest.spyOn(RoomReader.prototype, 'read').mockImplementation(async function (this: RoomReader, ...args) {
      const page = await read.apply(this, args);
      await pause(20);
      return page;
    });
    expect((await run(cutSubscribers)).silentlyLost).toBeGreaterThan(0);
  });

  it('keeps to itself that history did not reach back', async () => {
    jest.spyOn(NodeOrder.prototype, 'catchUp').mockImplementation(function (
      this: NodeOrder,
      page: HistoryPage,
    ) {
      catchUp.call(this, { ...page, incompleteRooms: [] });
    });
    expect((await run(cutSubscribers, { maxEvents: 2 })).silentlyLost).toBeGreaterThan(0);
  });

  describe('answers from what it has delivered,', () => {
    /** Clients leave rooms that nobody else here is in, and each cut ends what lingers. */
    const sparse = { rooms: 40, followers: 12, publishers: 8 };

    it('which is sound', async () => {
      forgetAtOnce();
      const { silentlyLost, duplicates, disorder, resumes } = await run(cutSubscribers, sparse);
      expect({ silentlyLost, duplicates, disorder }).toEqual({ silentlyLost: 0, duplicates: 0, disorder: 0 });
      expect(resumes).toBeGreaterThan(20);
    });

    it('and forgets since when it follows a room: the oracle', async () => {
      forgetAtOnce();
      ignoreFloor();
      expect((await run(cutSubscribers, sparse)).silentlyLost).toBeGreaterThan(0);
    });

    it('and forgets since when it follows a room: the contract', async () => {
      ignoreFloor();
      const { url } = server;
      const cases = brokerContract({
        name: '',
        shared: true,
        createMedium: () => ({ createNode: () => redisBroker({ url }) }),
      });
      const joining = cases.find(({ name }) => name.includes('subscribe, then read'));
      await expect(joining?.run()).rejects.toThrow();
    });

    it('and lacks what was read after a cut', async () => {
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
      expect((await run(cutSubscribers)).silentlyLost).toBeGreaterThan(0);
    });
  });
});

/** A room that nobody wants is forgotten at the next change, not some seconds later. */
function forgetAtOnce(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { letGo } = LocalRooms.prototype;
  jest.spyOn(LocalRooms.prototype, 'letGo').mockImplementation(function (this: LocalRooms, name: string) {
    letGo.call(this, name);
    const room = this.get(name);
    if (room?.isWanted === false) room.idleSinceMs = -Infinity;
  });
}

/** Every room seems to have been followed since the beginning. */
function ignoreFloor(): void {
  // oxlint-disable-next-line typescript/unbound-method
  const { follow } = LocalRoom.prototype;
  jest.spyOn(LocalRoom.prototype, 'follow').mockImplementation(function (this: LocalRoom, position: number) {
    follow.call(this, position);
    this.from = 0;
  });
}
