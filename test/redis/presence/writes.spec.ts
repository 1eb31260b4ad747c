import { Redis } from 'ioredis';
import { presentUsers } from '../../../src/broker/redis/presence/present-users.js';
import type { PresenceEntry } from '../../../src/broker/redis/presence/presence-write-queue.js';
import { cleanUpAfter, writePresence } from '../../../src/broker/redis/presence/presence-writer.js';
import {
  PRESENCE_TIMES,
  type RedisPresenceContext,
} from '../../../src/broker/redis/presence/redis-presence-context.js';
import { MEMBERS_SCRIPT, RENEW_SCRIPT } from '../../../src/broker/redis/presence/presence-scripts.js';
import { MalformedMessages } from '../../../src/broker/redis/data/malformed-messages.js';
import type { LuaScript } from '../../../src/broker/redis/data/lua-script.js';
import { RedisKeys } from '../../../src/broker/redis/data/redis-keys.js';
import type { RedisReply } from '../../../src/broker/redis/driver/redis-driver.interface.js';
import { unchecked } from '../../support/refusal.js';
import { describeWithRedis, RedisServer } from '../redis-server.js';

function ann(connections: number | undefined): PresenceEntry {
  return {
    room: 'a',
    user: 'ann',
    local: connections === undefined ? undefined : { connections, info: undefined },
  };
}

describeWithRedis('a presence write, as Redis executes it', () => {
  const redisKeys = new RedisKeys({ prefix: 'sse', tag: '0' }, 0, 'spec');
  let server: RedisServer;
  let redis: Redis;
  let parts: RedisPresenceContext;
  let malformed: MalformedMessages;

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
    malformed = new MalformedMessages(() => {});
    const commands = unchecked<RedisPresenceContext['commands']>({ run });
    parts = { commands, redisKeys, times: PRESENCE_TIMES, malformed, warn: () => {} };
  });
  afterEach(async () => {
    redis.disconnect();
    await server.dispose();
  });

  const takeLease = (node: string): Promise<RedisReply> =>
    parts.commands.run(
      RENEW_SCRIPT,
      [redisKeys.presenceLeases, redisKeys.presenceClaims],
      [node, '60000', '1', '0'],
      {
        repeatable: true,
        refusable: false,
      },
    );
  const members = async (): Promise<string[]> =>
    presentUsers(
      await parts.commands.run(MEMBERS_SCRIPT, [redisKeys.presenceMembers('a')], [], {
        repeatable: true,
        refusable: false,
      }),
      () => malformed.ignore('presence entry'),
    ).map(({ user, connections }) => `${user} ${connections}`);

  it('has no effect where it arrives after a later one of its node', async () => {
    await takeLease('node');
    expect(await writePresence(parts, 'node', 2, [ann(undefined)])).toBe(true);
    expect(await writePresence(parts, 'node', 1, [ann(1)])).toBe(true);
    expect(await members()).toEqual([]);
    expect(await writePresence(parts, 'node', 3, [ann(1)])).toBe(true);
    expect(await writePresence(parts, 'node', 3, [ann(2)])).toBe(true);
    expect(await members()).toEqual(['ann 1']);
  });

  it('has no effect without a lease or after its lease has expired', async () => {
    expect(await writePresence(parts, 'unknown', 1, [ann(1)])).toBe(false);
    await takeLease('node');
    await redis.zadd(redisKeys.presenceLeases, 1, 'node');
    expect(await writePresence(parts, 'node', 1, [ann(1)])).toBe(false);
    expect([await members(), await redis.keys('sse:{0}:p[nmu]*')]).toEqual([[], []]);
  });

  it('is not cleared up while the lease of its node holds, nor is an unknown node', async () => {
    await takeLease('node');
    await writePresence(parts, 'node', 1, [ann(1)]);
    await takeLease('other');
    expect(await cleanUpAfter(parts, 'node')).toBe(true);
    expect(await cleanUpAfter(parts, 'unknown')).toBe(true);
    expect(await writePresence(parts, 'node', undefined, [ann(undefined)])).toBe(false);
    expect(await members()).toEqual(['ann 1']);
  });

  it('is cleared up completely by two nodes at once, also after an interruption', async () => {
    await takeLease('node');
    await takeLease('other');
    const users = Array.from({ length: 250 }, (_, n) => ({ ...ann(1), user: `user ${n}` }));
    await writePresence(parts, 'node', 1, users);
    await writePresence(parts, 'other', 1, users.slice(0, 10));
    await redis.zadd(redisKeys.presenceLeases, 1, 'node');
    await cleanUpAfter(parts, 'node');
    for (const done of [false, false, true]) {
      const both = await Promise.all([cleanUpAfter(parts, 'node'), cleanUpAfter(parts, 'node')]);
      if (done) expect(both).toContain(true);
    }
    expect((await members()).toSorted()).toEqual(
      users
        .slice(0, 10)
        .map(({ user }) => `${user} 1`)
        .toSorted(),
    );
    expect((await redis.hgetall(redisKeys.presenceUsers('a')))['']).toBe('10');
    expect(await redis.zrange(redisKeys.presenceLeases, '0', '-1')).toEqual(['other']);
    expect(await redis.exists(redisKeys.presenceNode('node'), redisKeys.presenceClaims)).toBe(0);
  });

  it('is read correctly beside invalid fields of another program', async () => {
    await takeLease('node');
    await writePresence(parts, 'node', 1, [ann(2)]);
    await redis.hset(redisKeys.presenceMembers('a'), 'nonsense', 'nonsense', 'node eve', '', 'x y', '-1 2 3');
    expect(await members()).toEqual(['ann 2']);
  });
});
