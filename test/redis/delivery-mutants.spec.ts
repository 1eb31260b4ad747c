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
import { runBrokerOracle } from '../oracle/broker-oracle.js';
import type { Traffic, TrafficVerdict } from '../oracle/traffic.js';
import { eventually } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Faults that the oracle must find, or its verdicts prove nothing. */
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

  /** Cuts the subscribers of all nodes while events are accepted and some clients stay attached. */
  const run = (maxEvents?: number): Promise<TrafficVerdict> =>
    runBrokerOracle({
      seed: 1,
      maxEvents,
      createBroker: () => redisBroker({ url: proxy.url, connectTimeoutMs: 60_000 }),
      fault: async (traffic) => {
        const attached = await traffic.holdAttached(4);
        running = traffic;
        proxy.holdNew();
        await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await attached.published(10);
        proxy.releaseNew();
        await attached.published(10);
        attached.release();
        running = undefined;
      },
    });

  const someAccepted = async (): Promise<void> => {
    const before = running?.publisher.count ?? 0;
    const hasMore = (): boolean => running === undefined || running.publisher.count > before + 20;
    await eventually(hasMore, 'more events', 60_000);
  };

  /** Delays each read until events were published before it, and its result until others were published after it. */
  const readSlowly = (): void => {
    // Called with its own `this`.
    // oxlint-disable-next-line typescript/unbound-method
    const { read } = RoomReader.prototype;
    jest.spyOn(RoomReader.prototype, 'read').mockImplementation(async function (this: RoomReader, ...args) {
      await someAccepted();
      const page = await read.apply(this, args);
      await someAccepted();
      return page;
    });
  };
  // Called with their own `this`.
  // oxlint-disable-next-line typescript/unbound-method
  const { catchUp, classify } = DeliveryOrder.prototype;
  // oxlint-disable-next-line typescript/unbound-method
  const { hold } = CatchUpBuffer.prototype;

  it('does not read the events that it missed', async () => {
    jest.spyOn(DeliveryOrder.prototype, 'catchUp').mockImplementation(function (
      this: DeliveryOrder,
      page: HistoryPage,
    ) {
      catchUp.call(this, { ...page, messages: [], incompleteRooms: [] });
    });
    expect((await run()).silentLosses).toBeGreaterThan(0);
  }, 120_000);

  it('delivers events that it has already delivered', async () => {
    readSlowly();
    jest.spyOn(DeliveryOrder.prototype, 'classify').mockImplementation(function (
      this: DeliveryOrder,
      message: ChannelMessage,
    ) {
      const verdict = classify.call(this, message);
      return verdict === 'known' ? 'next' : verdict;
    });
    const { outOfOrder, lateAfterGap } = await run();
    expect(outOfOrder + lateAfterGap).toBeGreaterThan(0);
  }, 120_000);

  it('drops the events that it receives while it reads', async () => {
    readSlowly();
    jest.spyOn(CatchUpBuffer.prototype, 'hold').mockImplementation(function (
      this: CatchUpBuffer,
      item: ReceivedItem,
      bytes: number,
    ) {
      if (isSyncMarker(item)) hold.call(this, item, bytes);
    });
    jest.spyOn(DeliveryOrder.prototype, 'classify').mockImplementation(function (
      this: DeliveryOrder,
      message: ChannelMessage,
    ) {
      // Holes are ignored too, because reading them would repair this.
      const verdict = classify.call(this, message);
      return verdict === 'ahead' && message.epoch === this.epoch ? 'next' : verdict;
    });
    // Whether an event arrives during a read depends on the machine.
    let losses = 0;
    for (let runs = 0; runs < 5 && losses === 0; runs++) losses = (await run()).silentLosses;
    expect(losses).toBeGreaterThan(0);
  }, 300_000);

  it('does not report that history was trimmed', async () => {
    jest.spyOn(DeliveryOrder.prototype, 'catchUp').mockImplementation(function (
      this: DeliveryOrder,
      page: HistoryPage,
    ) {
      catchUp.call(this, { ...page, incompleteRooms: [] });
    });
    expect((await run(2)).silentLosses).toBeGreaterThan(0);
  }, 120_000);
});
