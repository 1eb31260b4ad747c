import { jest } from '@jest/globals';
import type { HistoryPage } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import type { ChannelMessage } from '../../src/broker/redis/channel-message.js';
import { Inbox, isMark, type Heard } from '../../src/broker/redis/inbox.js';
import { NodeOrder } from '../../src/broker/redis/node-order.js';
import { pause } from '../support/within.js';
import { judge, type Verdict } from './oracle.js';
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

  const run = (command: readonly string[], maxEvents?: number): Promise<Verdict> =>
    judge({
      seed: 1,
      durationMs: 1_500,
      maxEvents,
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
    expect((await run(cutSubscribers)).silentlyLost).toBeGreaterThan(0);
  });

  it('keeps to itself that history did not reach back', async () => {
    jest.spyOn(NodeOrder.prototype, 'catchUp').mockImplementation(function (
      this: NodeOrder,
      page: HistoryPage,
    ) {
      catchUp.call(this, { ...page, incompleteRooms: [] });
    });
    expect((await run(cutSubscribers, 2)).silentlyLost).toBeGreaterThan(0);
  });
});
