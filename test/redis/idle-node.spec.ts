import { jest } from '@jest/globals';
import { redisBroker } from 'nestjs-simple-sse/redis';
import {
  receivedUntil,
  readyOf,
  TestController,
  startTestApp,
  textsOf,
  listenFrom,
} from '../resume/test-app.js';
import { SyncMarkers } from '../../src/broker/redis/feed/sync-markers.js';
import type { RunningApp } from '../support/running-app.js';
import { pause } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Time by which subscriptions come later than their markers, in milliseconds. */
const LATE_MS = 400;

function subscribeLate(): void {
  // Called with its own `this`.
  // oxlint-disable-next-line typescript/unbound-method
  const { roundTripAfter } = SyncMarkers.prototype;
  jest.spyOn(SyncMarkers.prototype, 'roundTripAfter').mockImplementation(function (
    this: SyncMarkers,
    ahead,
    subscribe,
    onReceived,
  ) {
    const later = async (channel: string): Promise<void> => {
      await pause(LATE_MS);
      return subscribe(channel);
    };
    return roundTripAfter.call(this, ahead, later, onReceived);
  });
}

describeWithRedis.each(['redis', 'ioredis'] as const)(
  'a node that has received no event for long, over %s',
  (driver) => {
    let server: RedisServer;
    let idle: RunningApp;
    let busy: RunningApp;

    beforeEach(async () => {
      server = await RedisServer.start();
      // Without probes its position does not advance.
      const start = (): Promise<RunningApp> =>
        startTestApp({ broker: redisBroker({ url: server.url, driver, probeIntervalMs: 600_000 }) });
      [idle, busy] = [await start(), await start()];
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      await Promise.all([idle.close(), busy.close()]);
      await server.dispose();
    });

    it('delivers to a new client no event from before its connection', async () => {
      for (const text of ['old 1', 'old 2']) await busy.sse.broadcast('a', text);
      const stream = await listenFrom(idle, '/in?rooms=a');
      await stream.nextEvent({ control: true });
      await busy.sse.broadcast('a', 'now');
      expect(textsOf(await receivedUntil(stream, 'now'))).toEqual(['now']);
    });

    it('delivers to a new client the events that its own handler publishes', async () => {
      expect(await receivedFromHandler()).toEqual(['from the handler', 'now']);
    });

    it('does so also where the subscription comes later', async () => {
      subscribeLate();
      expect(await receivedFromHandler()).toEqual(['from the handler', 'now']);
    });

    it('misses them where the position of the request is read later, which this test finds', async () => {
      subscribeLate();
      // Called with its own `this`.
      // oxlint-disable-next-line typescript/unbound-method
      const { sendAhead } = SyncMarkers.prototype;
      jest.spyOn(SyncMarkers.prototype, 'sendAhead').mockImplementation(function (this: SyncMarkers) {
        const position = pause(LATE_MS / 2).then(() => sendAhead.call(this).position);
        return { ...sendAhead.call(this), position };
      });
      expect(await receivedFromHandler()).toEqual(['now']);
    });

    async function receivedFromHandler(): Promise<string[]> {
      await busy.sse.broadcast('a', 'old');
      const controller = idle.get(TestController);
      controller.allowed = (room) => {
        // Room `a` has just been joined, and its subscription is not confirmed yet.
        if (room === 'end') void idle.sse.broadcast('a', 'from the handler');
        return true;
      };
      const stream = await listenFrom(idle, '/joining?rooms=a,end');
      await stream.nextEvent({ control: true });
      await busy.sse.broadcast('a', 'now');
      return textsOf(await receivedUntil(stream, 'now'));
    }

    it('replays exactly the requested number of events when a client joins a room', async () => {
      const stream = await listenFrom(idle, '/in?rooms=b');
      const ready = readyOf([await stream.nextEvent({ control: true })]);
      for (const text of ['a1', 'a2', 'a3']) await busy.sse.broadcast('a', text);
      const client = [...idle.sse.clients('b')].find(({ id }) => id === ready.clientId);
      await client?.join('a', { replay: 2 });
      await busy.sse.broadcast('a', 'now');
      expect(textsOf(await receivedUntil(stream, 'now'))).toEqual(['a2', 'a3', 'now']);
    });

    it('returns the current position of the broker from position()', async () => {
      await busy.sse.broadcast('a', 'rendered');
      const position = await idle.sse.position('a');
      await busy.sse.broadcast('a', 'missed');
      const stream = await listenFrom(idle, `/in?rooms=a&lastEventId=${position}`);
      await busy.sse.broadcast('a', 'now');
      expect(textsOf(await receivedUntil(stream, 'now'))).toEqual(['missed', 'now']);
    });

    it('returns a position while Redis is unavailable', async () => {
      const before = await idle.sse.position();
      await server.kill();
      const position = await idle.sse.position();
      expect(position?.split('.')[1]).toBe(before?.split('.')[1]);
    });
  },
);
