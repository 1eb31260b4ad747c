import { MemoryBroker, type SseModuleOptions } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { ReplicatedPublishes } from '../../src/broker/redis/link/replicated-publishes.js';
import { listenFrom, receivedUntil, startTestApp, textsOf } from '../resume/test-app.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { within } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { startReplica } from './replica.js';

/** Long for a replica that runs, on a busy machine too. */
const PATIENT = { replicas: 1, timeoutMs: 20_000 };
/** For a replica that does not run. */
const SHORT = { replicas: 1, timeoutMs: 100 };

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'an event that waits for replicas, over %s',
  (driver) => {
    let master: RedisServer;
    let replica: RedisServer;
    let running: RunningApp;

    beforeEach(async () => {
      master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
      replica = await startReplica(master);
    });
    afterEach(async () => {
      replica.thaw();
      await running.close();
      await replica.dispose();
      await master.dispose();
    });

    async function start(options: RedisBrokerOptions = {}, module: SseModuleOptions = {}): Promise<void> {
      const broker = redisBroker({ url: master.url, driver, publishTimeoutMs: 30_000, ...options });
      running = await startTestApp({ broker, ...module });
    }
    const publish = (
      text: string,
      options: object = {},
      room: string | string[] = 'a',
    ): Promise<string | undefined> => running.sse.broadcast(room, undefined, text, options);
    it('is in the replica when the call settles', async () => {
      await start();
      for (let n = 0; n < 20; n++) {
        expect(await publish(`${n}`, { acknowledge: PATIENT })).toEqual(expect.any(String));
        const inReplica = `return tostring(redis.call('XLEN', redis.call('KEYS', '*:s:a')[1] or 'none'))`;
        expect(await replica.command('EVAL', inReplica, '0')).toBe(`${n + 1}`);
      }
    });

    it('is published and reported as not acknowledged while the replica is paused, and once again acknowledged by a retry with its key', async () => {
      await start();
      const stream = await listenFrom(running, '/in?rooms=a');
      replica.freeze();
      const error = await sseRefusal(() => publish('paid', { acknowledge: SHORT, idempotencyKey: 'key' }));
      expect(error.code).toBe('not-acknowledged');
      expect(error.message).toMatch(/0 of 1 replicas.*idempotencyKey/);
      replica.thaw();
      const id = await publish('paid', { acknowledge: PATIENT, idempotencyKey: 'key' });
      await publish('end');
      const received = await receivedUntil(stream, 'end');
      expect(textsOf(received)).toEqual(['paid', 'end']);
      expect(received.find(({ data }) => data === 'paid')?.id).toBe(id);
    });

    it('is not acknowledged by fewer replicas than were asked for', async () => {
      await start();
      const error = await sseRefusal(() => publish('1', { acknowledge: { replicas: 2, timeoutMs: 2_000 } }));
      expect([error.code, error.message]).toEqual(['not-acknowledged', expect.stringContaining('1 of 2')]);
    });

    it('shares its wait with the events beside it, and delays no event that does not wait', async () => {
      await start();
      replica.freeze();
      const settled: string[] = [];
      const waiting = Array.from({ length: 30 }, async (_, n) => {
        const error = await sseRefusal(() =>
          publish(`${n}`, { acknowledge: { replicas: 1, timeoutMs: 3_000 } }),
        );
        settled.push(error.code);
      });
      for (let n = 0; n < 30; n++) await publish(`plain ${n}`);
      settled.push('plain');
      // One after the other they would take 90 s.
      await within(Promise.all(waiting), 'all rejections', 25_000);
      expect(settled).toEqual(['plain', ...Array.from({ length: 30 }, () => 'not-acknowledged')]);
    });

    it('is reported as not acknowledged where the master fails during the wait', async () => {
      await start();
      const stream = await listenFrom(running, '/in?rooms=a');
      replica.freeze();
      const rejected = sseRefusal(() => publish('1', { acknowledge: PATIENT }));
      await receivedUntil(stream, '1');
      await master.kill();
      const error = await within(rejected, 'the rejection', 15_000);
      expect(error.code).toBe('not-acknowledged');
      expect(error.cause).toBeInstanceOf(Error);
      await master.launch();
    });

    it('waits in each partition of its rooms, and is in all of them where one wait fails', async () => {
      await start({ partitions: 4 });
      const rooms = ['a', 'b', 'c', 'd', 'e'];
      const stream = await listenFrom(running, `/in?rooms=${rooms.join()}`);
      expect(await publish('1', { acknowledge: PATIENT }, rooms)).toEqual(expect.any(String));
      replica.freeze();
      const error = await sseRefusal(() => publish('2', { acknowledge: SHORT }, rooms));
      expect(error.code).toBe('not-acknowledged');
      await publish('end', {}, rooms);
      expect(textsOf(await receivedUntil(stream, 'end'))).toEqual(['1', '2', 'end']);
    });

    it('waits by default with the option of the broker, which a call overrides, and which volatile events skip', async () => {
      await start(
        { acknowledge: { replicas: 1, timeoutMs: 2_000 } },
        { rooms: { plain: { history: false } } },
      );
      await publish('1');
      replica.freeze();
      expect((await sseRefusal(() => publish('2'))).code).toBe('not-acknowledged');
      expect(await publish('3', { acknowledge: false })).toEqual(expect.any(String));
      expect(await publish('4', { volatile: true })).toBeUndefined();
      expect(await publish('5', {}, 'plain')).toBeUndefined();
    });

    it('is refused as an option of volatile events and rooms without history', async () => {
      await start({}, { rooms: { plain: { history: false } } });
      for (const call of [
        () => publish('1', { acknowledge: SHORT, volatile: true }),
        () => publish('1', { acknowledge: SHORT }, 'plain'),
      ]) {
        const error = await sseRefusal(call);
        expect([error.code, error.message]).toEqual([
          'invalid-arguments',
          expect.stringContaining('acknowledge'),
        ]);
      }
    });

    it('names the missing right of a user who may not wait', async () => {
      await master.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-wait');
      await start({ url: master.url.replace('redis://', 'redis://app:secret@') });
      const error = await sseRefusal(() => publish('1', { acknowledge: PATIENT }));
      expect([error.code, error.message]).toEqual([
        'not-acknowledged',
        expect.stringMatching(/NOPERM.*wait/is),
      ]);
    });

    it('settles too early on a node that does not wait, which these tests would catch', async () => {
      await start();
      // Called with its own `this`.
      // oxlint-disable-next-line typescript/unbound-method
      const { publish: original } = ReplicatedPublishes.prototype;
      ReplicatedPublishes.prototype.publish = async function (...args) {
        return { ...(await original.apply(this, args)), missing: undefined };
      };
      replica.freeze();
      try {
        expect(await publish('1', { acknowledge: SHORT })).toEqual(expect.any(String));
      } finally {
        ReplicatedPublishes.prototype.publish = original;
      }
    });
  },
);

describe('the option acknowledge', () => {
  it('is refused by name for a broker without replicas', async () => {
    const running = await startTestApp({ broker: new MemoryBroker() });
    const error = await sseRefusal(() => running.sse.broadcast('a', undefined, '1', { acknowledge: SHORT }));
    expect([error.code, error.message]).toEqual([
      'unsupported-by-broker',
      expect.stringContaining('acknowledge'),
    ]);
    expect(await running.sse.broadcast('a', undefined, '1', { acknowledge: false })).toEqual(
      expect.any(String),
    );
    await running.close();
  });

  it.each([
    true,
    {},
    { replicas: 0, timeoutMs: 1 },
    { replicas: 1 },
    { replicas: 1, timeoutMs: 0 },
    { ...SHORT, n: 1 },
  ])('is refused with the value %j', async (acknowledge) => {
    const running = await startTestApp({});
    const call = () => running.sse.broadcast('a', undefined, '1', unchecked({ acknowledge }));
    expect((await sseRefusal(call)).code).toBe('invalid-arguments');
    await running.close();
    const create = () => redisBroker(unchecked({ url: 'redis://localhost', acknowledge }));
    expect((await sseRefusal(create)).code).toBe('invalid-options');
  });

  it('is refused by redisBroker where it would outlast publishTimeoutMs', async () => {
    const acknowledge = { replicas: 1, timeoutMs: 5_000 };
    const create = () => redisBroker({ url: 'redis://localhost', acknowledge });
    expect((await sseRefusal(create)).message).toContain('publishTimeoutMs');
  });
});
