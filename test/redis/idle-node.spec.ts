import { redisBroker } from 'nestjs-simple-sse/redis';
import {
  receivedUntil,
  readyOf,
  TestController,
  startTestApp,
  textsOf,
  listenFrom,
} from '../resume/test-app.js';
import type { RunningApp } from '../support/running-app.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

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
      expect(textsOf(await receivedUntil(stream, 'now'))).toEqual(['from the handler', 'now']);
    });

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
