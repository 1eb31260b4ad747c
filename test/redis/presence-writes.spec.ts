import { Redis } from 'ioredis';
import { presentUsers } from '../../src/broker/redis/presence/present-users.js';
import type { PresenceEntry } from '../../src/broker/redis/presence/presence-write-queue.js';
import { cleanUpAfter, writePresence } from '../../src/broker/redis/presence/presence-writer.js';
import {
  PRESENCE_TIMES,
  type RedisPresenceContext,
} from '../../src/broker/redis/presence/redis-presence-context.js';
import { MEMBERS_SCRIPT, RENEW_SCRIPT } from '../../src/broker/redis/presence/presence-scripts.js';
import type { LuaScript } from '../../src/broker/redis/data/lua-script.js';
import { RedisKeys } from '../../src/broker/redis/data/redis-keys.js';
import type { RedisReply } from '../../src/broker/redis/driver/redis-driver.interface.js';
import { unchecked } from '../support/refusal.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

function ann(connections: number | undefined): PresenceEntry {
  return {
    room: 'a',
    user: 'ann',
    local: connections === undefined ? undefined : { connections, info: undefined },
  };
}

describeWithRedis('writes of who is where, as Redis executes them', () => {
  const redisKeys = new RedisKeys({ prefix: 'sse', tag: '0' }, 0, 'spec');
  let server: RedisServer;
  let redis: Redis;
  let parts: RedisPresenceContext;

  beforeEach(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url);
    const run = async (
      script: LuaScript,
      keys: readonly string[],
      args: readonly string[],
    ): Promise<RedisReply> =>
      unchecked(
        await redis.eval(
          script.source,
          keys.length + 1,
          redisKeys.brokerState,
          ...keys,
          '',
          '',
          '0',
          ...args,
        ),
      );
    const commands = unchecked<RedisPresenceContext['commands']>({ run });
    parts = { commands, redisKeys, times: PRESENCE_TIMES, warn: () => {} };
  });
  afterEach(async () => {
    redis.disconnect();
    await server.dispose();
  });

  const take = (node: string): Promise<RedisReply> =>
    parts.commands.run(
      RENEW_SCRIPT,
      [redisKeys.presenceLeases, redisKeys.presenceClaims],
      [node, '60000', '1', '0'],
      {
        repeatable: true,
        refusable: false,
      },
    );
  const found = async (): Promise<string[]> =>
    presentUsers(
      await parts.commands.run(MEMBERS_SCRIPT, [redisKeys.presenceMembers('a')], [], {
        repeatable: true,
        refusable: false,
      }),
    ).map(({ user, connections }) => `${user} ${connections}`);

  it('one that comes late, after its successor, counts for nothing', async () => {
    await take('node');
    expect(await writePresence(parts, 'node', 2, [ann(undefined)])).toBe(true);
    expect(await writePresence(parts, 'node', 1, [ann(1)])).toBe(true);
    expect(await found()).toEqual([]);
    expect(await writePresence(parts, 'node', 3, [ann(1)])).toBe(true);
    expect(await writePresence(parts, 'node', 3, [ann(2)])).toBe(true);
    expect(await found()).toEqual(['ann 1']);
  });

  it('one without a lease, or after it, writes nothing', async () => {
    expect(await writePresence(parts, 'stranger', 1, [ann(1)])).toBe(false);
    await take('node');
    await redis.zadd(redisKeys.presenceLeases, 1, 'node');
    expect(await writePresence(parts, 'node', 1, [ann(1)])).toBe(false);
    expect([await found(), await redis.keys('sse:{0}:p[nmu]*')]).toEqual([[], []]);
  });

  it('nobody clears up after a node whose lease holds, or who is not known', async () => {
    await take('node');
    await writePresence(parts, 'node', 1, [ann(1)]);
    await take('other');
    expect(await cleanUpAfter(parts, 'node')).toBe(true);
    expect(await cleanUpAfter(parts, 'stranger')).toBe(true);
    expect(await writePresence(parts, 'node', undefined, [ann(undefined)])).toBe(false);
    expect(await found()).toEqual(['ann 1']);
  });

  it('clearing up may be done by two at once, and broken off, and leaves nothing', async () => {
    await take('node');
    await take('other');
    const users = Array.from({ length: 250 }, (_, n) => ({ ...ann(1), user: `user ${n}` }));
    await writePresence(parts, 'node', 1, users);
    await writePresence(parts, 'other', 1, users.slice(0, 10));
    await redis.zadd(redisKeys.presenceLeases, 1, 'node');
    await cleanUpAfter(parts, 'node');
    for (const done of [false, false, true]) {
      const both = await Promise.all([cleanUpAfter(parts, 'node'), cleanUpAfter(parts, 'node')]);
      if (done) expect(both).toContain(true);
    }
    expect((await found()).toSorted()).toEqual(
      users
        .slice(0, 10)
        .map(({ user }) => `${user} 1`)
        .toSorted(),
    );
    expect((await redis.hgetall(redisKeys.presenceUsers('a')))['']).toBe('10');
    expect(await redis.zrange(redisKeys.presenceLeases, '0', '-1')).toEqual(['other']);
    expect(await redis.exists(redisKeys.presenceNode('node'), redisKeys.presenceClaims)).toBe(0);
  });

  it('what a stranger has written into the list is passed over', async () => {
    await take('node');
    await writePresence(parts, 'node', 1, [ann(2)]);
    await redis.hset(redisKeys.presenceMembers('a'), 'nonsense', 'nonsense', 'node eve', '', 'x y', '-1 2 3');
    expect(await found()).toEqual(['ann 2']);
  });
});
