import { SseModule } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import {
  CLOSE_HOOKS,
  hookApp,
  HooksController,
  HooksProvider,
  START_HOOKS,
  storedTexts,
  textsUntilEnd,
} from '../support/hook-app.js';
import { fastify } from '../support/platforms.js';
import { within } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

function publishersOf(app: RunningApp): (HooksController | HooksProvider)[] {
  return [app.get(HooksController), app.get(HooksProvider)];
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  "an event published in one of Nest's hooks through Redis, over %s",
  (driver) => {
    let server: RedisServer;
    const running: RunningApp[] = [];

    beforeEach(async () => {
      server = await RedisServer.start();
    });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((app) => app.close()));
      await server.dispose();
    });

    const start = async (): Promise<RunningApp> => {
      const broker = redisBroker({ url: server.url, driver, connectTimeoutMs: 500, publishTimeoutMs: 500 });
      const app = await fastify.start(hookApp(SseModule.forRoot({ broker, shutdownGraceMs: 10_000 })));
      running.push(app);
      return app;
    };
    it('is accepted in the constructor, onModuleInit and onApplicationBootstrap, and stored', async () => {
      const app = await start();
      for (const { outcomes } of publishersOf(app)) {
        const started = await Promise.all(START_HOOKS.map(async (hook) => outcomes[hook]));
        expect(started).toEqual(['accepted', 'accepted', 'accepted']);
      }
      expect((await storedTexts(app)).toSorted()).toEqual(
        ['controller', 'provider'].flatMap((from) => START_HOOKS.map((hook) => `${from} ${hook}`)).toSorted(),
      );
    });

    it('reaches clients of all nodes in onModuleDestroy and beforeApplicationShutdown, and is refused later', async () => {
      const [closing, other] = [await start(), await start()];
      // Not awaited by the application: one accepted later would reach the clients too.
      for (const { outcomes } of [closing, other].flatMap(publishersOf))
        await Promise.all(START_HOOKS.map(async (hook) => outcomes[hook]));
      const [stream, elsewhere] = [await closing.listen('/lobby'), await other.listen('/lobby')];
      // With `sse:ready` the broker delivers the room to the node.
      for (const each of [stream, elsewhere]) await each.nextEvent({ control: true });
      const own = textsUntilEnd(stream);
      await closing.shutDown();
      const expected = ['controller', 'provider']
        .flatMap((from) => CLOSE_HOOKS.slice(0, 2).map((hook) => `${from} ${hook}`))
        .toSorted();
      expect((await within(own, 'the end of the stream')).toSorted()).toEqual(expected);
      const others = (await elsewhere.nextEvents(4)).map(({ data }) => data);
      expect(others.toSorted()).toEqual(expected);
      for (const { outcomes } of publishersOf(closing)) {
        expect(await outcomes['onApplicationShutdown']).toBe('broker-closed');
      }
    });

    it('is rejected while Redis cannot be reached, and the application starts', async () => {
      await server.kill();
      const app = await start();
      for (const { outcomes } of publishersOf(app)) {
        const started = await Promise.all(START_HOOKS.map(async (hook) => outcomes[hook]));
        expect(started).toEqual(['broker-unavailable', 'broker-unavailable', 'broker-unavailable']);
      }
    });
  },
);
