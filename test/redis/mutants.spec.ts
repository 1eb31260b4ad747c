import { jest } from '@jest/globals';
import type { HistoryPage } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import type { ChannelMessage } from '../../src/broker/redis/data/channel-message.js';
import {
  CatchUpBuffer,
  isSyncMarker,
  type ReceivedItem,
} from '../../src/broker/redis/feed/catch-up-buffer.js';
import { DeliveryOrder } from '../../src/broker/redis/history/delivery-order.js';
import { RoomReader } from '../../src/broker/redis/history/room-reader.js';
import { eventually } from '../support/within.js';
import { judge } from './oracle.js';
import { BlackHoleProxy, describeWithRedis, RedisServer } from './redis-server.js';
import type { Traffic } from './traffic.js';
import type { Verdict } from './verdict.js';

/** The oracle is believed because it catches these. */
describeWithRedis('the oracle catches a broker that', () => {
  let server: RedisServer;
  let proxy: BlackHoleProxy;
  let running: Traffic | undefined;

  beforeEach(async () => {
    server = await RedisServer.start();
    proxy = await BlackHoleProxy.start(server.port);
  });

  afterEach(async () => {
    running = undefined;
    jest.restoreAllMocks();
    proxy.close();
    await server.dispose();
  });

  /** All nodes are deaf while events are accepted, and some followers stay with them: these miss something. */
  const run = (maxEvents?: number): Promise<Verdict> =>
    judge({
      seed: 1,
      maxEvents,
      createBroker: () => redisBroker({ url: proxy.url, connectTimeoutMs: 60_000 }),
      fault: async (traffic) => {
        const still = await traffic.keepStill(4);
        running = traffic;
        proxy.holdNew();
        await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await still.owed(10);
        proxy.letIn();
        await still.owed(10);
        still.release();
        running = undefined;
      },
    });

  const someAccepted = async (): Promise<void> => {
    const before = running?.log.length ?? 0;
    const hasMore = (): boolean => running === undefined || running.log.length > before + 20;
    await eventually(hasMore, 'more events', 60_000);
  };

  /** Nobody is given a page before events were accepted after it was asked for, and others after it was read. */
  const readSlowly = (): void => {
    // Called with its own `this`.
    // oxlint-disable-next-line typescript/unbound-method
    const { read } = RoomReader.prototype;
    jest.spyOn(RoomReader.prototype, 'read').mockImplementation(async function (this: RoomReader, ...asked) {
      await someAccepted();
      const page = await read.apply(this, asked);
      await someAccepted();
      return page;
    });
  };
  // Called with their own `this`.
  // oxlint-disable-next-line typescript/unbound-method
  const { catchUp, classify: judgeMessage } = DeliveryOrder.prototype;
  // oxlint-disable-next-line typescript/unbound-method
  const { hold } = CatchUpBuffer.prototype;

  it('does not read what it missed', async () => {
    jest.spyOn(DeliveryOrder.prototype, 'catchUp').mockImplementation(function (
      this: DeliveryOrder,
      page: HistoryPage,
    ) {
      catchUp.call(this, { ...page, messages: [], incompleteRooms: [] });
    });
    expect((await run()).silentlyLost).toBeGreaterThan(0);
  }, 120_000);

  it('delivers what it knows already', async () => {
    readSlowly();
    jest.spyOn(DeliveryOrder.prototype, 'classify').mockImplementation(function (
      this: DeliveryOrder,
      message: ChannelMessage,
    ) {
      const verdict = judgeMessage.call(this, message);
      return verdict === 'known' ? 'next' : verdict;
    });
    expect((await run()).disorder).toBeGreaterThan(0);
  }, 120_000);

  it('lets go of what it hears while it reads', async () => {
    readSlowly();
    jest.spyOn(CatchUpBuffer.prototype, 'hold').mockImplementation(function (
      this: CatchUpBuffer,
      heard: ReceivedItem,
      bytes: number,
    ) {
      if (isSyncMarker(heard)) hold.call(this, heard, bytes);
    });
    jest.spyOn(DeliveryOrder.prototype, 'classify').mockImplementation(function (
      this: DeliveryOrder,
      message: ChannelMessage,
    ) {
      // Nor does it look for holes, which would mend this.
      const verdict = judgeMessage.call(this, message);
      return verdict === 'ahead' && message.epoch === this.epoch ? 'next' : verdict;
    });
    expect((await run()).silentlyLost).toBeGreaterThan(0);
  }, 120_000);

  it('keeps to itself that history did not reach back', async () => {
    jest.spyOn(DeliveryOrder.prototype, 'catchUp').mockImplementation(function (
      this: DeliveryOrder,
      page: HistoryPage,
    ) {
      catchUp.call(this, { ...page, incompleteRooms: [] });
    });
    expect((await run(2)).silentlyLost).toBeGreaterThan(0);
  }, 120_000);
});
