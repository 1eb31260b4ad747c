import type { HistoryPolicy } from '../../broker.interface.js';
import { EPOCH_SCRIPT, NEXT_EPOCH_SCRIPT } from '../data/epoch-scripts.js';
import type { LuaScript } from '../data/lua-script.js';
import { RedisKeys } from '../data/redis-keys.js';
import type { RedisConnection, RedisReply } from '../driver/redis-driver.interface.js';
import { LossAnnouncer } from './loss-announcer.js';

const policy: HistoryPolicy = { maxBytes: 1, limitsOf: () => ({ maxEvents: 10, maxAgeMs: 1_000 }) };
const redisKeys = new RedisKeys({ prefix: 'sse', tag: '0' }, 0, 'node');

/** A Redis in epoch `new`, which began an hour ago, and whose next calls fail. */
class FakeRedis {
  readonly calls: string[] = [];
  failures = 0;
  epoch = 'new';

  async send([, source]: readonly string[]): Promise<RedisReply> {
    this.#call(source === EPOCH_SCRIPT.source ? 'epoch' : 'next epoch');
    if (source !== NEXT_EPOCH_SCRIPT.source) return [this.epoch, '3600000000'];
    return 1;
  }

  async run(_: LuaScript, __: readonly string[], args: readonly string[]): Promise<RedisReply> {
    const rooms = args[2] ?? '';
    this.#call(`notice ${rooms === '' ? 'for one room' : (JSON.parse(rooms) as string[]).length}`);
    return ['new 1', 0];
  }

  async whenUp(): Promise<RedisConnection> {
    return {} as RedisConnection;
  }

  #call(name: string): void {
    this.calls.push(name);
    if (this.failures-- > 0) throw new Error('refused');
  }
}

function announcerOn(commands: FakeRedis): LossAnnouncer {
  return new LossAnnouncer({
    commands,
    redisKeys,
    policy,
    options: { partitions: 1, republishMs: 60_000, maxBufferedBytes: 1_000 },
  });
}

describe('a node that has left a former master', () => {
  it('asks Redis for nothing, if it has published nothing', async () => {
    const redis = new FakeRedis();
    await announcerOn(redis).check();
    expect(redis.calls).toEqual([]);
  });

  it('stores no notice in the epoch in which it has published', async () => {
    const redis = new FakeRedis();
    const announcer = announcerOn(redis);
    announcer.accepted(['a'], 'new');
    await announcer.check();
    expect(redis.calls).toEqual(['epoch']);
  });

  it.each([1, 2, 3])('repeats a check until every notice is stored, after %s failures', async (failures) => {
    const redis = new FakeRedis();
    const announcer = announcerOn(redis);
    announcer.accepted(
      Array.from({ length: 101 }, (_, n) => `room ${n}`),
      'old',
    );
    redis.failures = failures;
    await announcer.check();
    expect(redis.calls.slice(-3)).toEqual(['epoch', 'notice 100', 'notice for one room']);
    await announcer.check();
    expect(redis.calls.at(-1)).toBe('notice for one room');
  });

  it('does not lose rooms whose notice failed', async () => {
    const redis = new FakeRedis();
    const announcer = announcerOn(redis);
    announcer.accepted(['a'], 'old');
    const run = redis.run.bind(redis);
    let failed = 0;
    redis.run = async (...args) => {
      if (failed++ < 2) throw new Error('refused');
      return run(...args);
    };
    await announcer.check();
    expect(redis.calls).toEqual(['epoch', 'epoch', 'epoch', 'notice for one room']);
  });

  it('begins a new epoch instead of notices for more than 1,000 rooms, and sends one notice', async () => {
    const redis = new FakeRedis();
    const announcer = announcerOn(redis);
    announcer.accepted(
      Array.from({ length: 1_001 }, (_, n) => `room ${n}`),
      'old',
    );
    await announcer.check();
    expect(redis.calls).toEqual(['epoch', 'next epoch', 'notice 100']);
  });

  it('stores a notice for an event whose reply arrives after the check', async () => {
    const redis = new FakeRedis();
    const announcer = announcerOn(redis);
    announcer.accepted(['a'], 'new');
    await announcer.check();
    announcer.accepted(['b'], 'old');
    await announcer.check();
    await new Promise(setImmediate);
    expect(redis.calls.filter((call) => call === 'notice for one room')).toHaveLength(1);
  });
});
