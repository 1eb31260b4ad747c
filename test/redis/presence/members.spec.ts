import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually, pause, within } from '../../support/within.js';
import { leases, expireLeases, PresenceNode } from './presence-node.js';
import { describeWithRedis, RedisServer } from '../redis-server.js';

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])('presence in Redis, over %s', (driver) => {
  let server: RedisServer;
  const nodes: PresenceNode[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.broker.close()));
    await server.dispose();
  });

  const newNode = (times = {}): PresenceNode => {
    const options = { url: server.url, driver, publishTimeoutMs: 1_000, connectTimeoutMs: 500 };
    const node = new PresenceNode(options, times);
    nodes.push(node);
    return node;
  };
  const keysLeft = (): Promise<string> =>
    server.command('EVAL', `return table.concat(redis.call('KEYS', '*:p[nmu]*'), ' ')`, '0');

  it('removes the members of a crashed node once, except users on other nodes', async () => {
    const dead = await newNode().start();
    for (let n = 0; n < 250; n++) dead.setConnections(`user ${n}`, 1);
    await eventually(async () => (await dead.members()).length === 250, 'all members');
    const [lease = ''] = await leases(server);
    const [one, two] = [await newNode().start('a'), await newNode().start('a')];
    one.setConnections('user 0', 1);
    await eventually(async () => (await one.members()).includes('user 0 2'), 'the user at both');
    await dead.crash();
    await expireLeases(server, lease);
    await one.waitForMembers('user 0 1');
    const expected = Array.from({ length: 249 }, (_, n) => `leave user ${n + 1}`);
    for (const node of [one, two]) {
      await eventually(() => node.changes.length >= 249, 'every leave');
      expect(node.changes.toSorted()).toEqual(expected.toSorted());
    }
    await eventually(async () => (await leases(server)).length === 2, 'the dead node forgotten');
    one.setConnections('user 0', undefined);
    await one.waitForMembers();
    // Each running node has a key with the number of its last write.
    expect((await keysLeft()).split(' ').filter((key) => !key.includes(':pn:'))).toEqual([]);
  });

  it('restores the members of a node after another node has expired its lease', async () => {
    const away = await newNode({ heartbeatMs: 600_000 }).start();
    away.setConnections('ann', 1);
    away.setConnections('bob', 2);
    await away.waitForMembers('ann 1', 'bob 2');
    const [lease = ''] = await leases(server);
    const other = await newNode().start('a');
    await expireLeases(server, lease);
    await other.waitForMembers();
    // Its next write is refused, so it takes a new lease.
    away.setConnections('ann', 3);
    await other.waitForMembers('ann 3', 'bob 2');
    await eventually(() => other.changes.length === 4, 'the changes');
    expect(other.changes.toSorted()).toEqual(['join ann', 'join bob', 'leave ann', 'leave bob']);
    expect(await leases(server)).not.toContain(lease);
  });

  it('gives a node a new lease after its own has expired', async () => {
    const node = await newNode().start();
    node.setConnections('ann', 1);
    await node.waitForMembers('ann 1');
    const [lease = ''] = await leases(server);
    await expireLeases(server, lease);
    await eventually(async () => (await leases(server)).every((name) => name !== lease), 'another lease');
    await node.waitForMembers('ann 1');
  });

  it('reports no leave where the leases of all nodes expired at once', async () => {
    const times = { patienceMs: 600_000 };
    const all = await Promise.all([1, 2, 3].map(() => newNode(times).start('a')));
    for (const [n, node] of all.entries()) node.setConnections(`user ${n}`, 1);
    const [observer] = all as [PresenceNode];
    await observer.waitForMembers('user 0 1', 'user 1 1', 'user 2 1');
    await eventually(() => all.every(({ changes }) => changes.length === 3), 'the joins');
    const before = await leases(server);
    await expireLeases(server);
    await eventually(async () => {
      const now = await leases(server);
      return all.length === now.filter((name) => !before.includes(name)).length;
    }, 'new leases');
    await eventually(
      async () => (await observer.members()).every((text) => text.endsWith(' 2')),
      'the old and new lease of each node',
    );
    for (const { changes } of all) {
      expect(changes.toSorted()).toEqual(['join user 0', 'join user 1', 'join user 2']);
    }
  });

  it('restores all members after FLUSHALL', async () => {
    const [one, two] = [await newNode().start('a'), await newNode().start('a')];
    one.setConnections('ann', 1);
    two.setConnections('ann', 1);
    two.setConnections('bob', 1);
    await one.waitForMembers('ann 2', 'bob 1');
    await server.command('FLUSHALL');
    await one.waitForMembers('ann 2', 'bob 1');
    two.setConnections('ann', undefined);
    two.setConnections('bob', undefined);
    await one.waitForMembers('ann 1');
    await eventually(() => one.changes.at(-1) === 'leave bob', 'the leave');
  });

  it('includes changes made while Redis was unavailable, also where Redis lost its data', async () => {
    const [one, two] = [await newNode().start('a'), await newNode().start('a')];
    one.setConnections('stays', 1);
    one.setConnections('goes', 1);
    two.setConnections('goes too', 1);
    await one.waitForMembers('goes 1', 'goes too 1', 'stays 1');
    await server.kill();
    one.setConnections('goes', undefined);
    one.setConnections('comes', 2);
    two.setConnections('goes too', undefined);
    for (let n = 0; n < 1_000; n++) two.setConnections(`passes ${n}`, 1);
    for (let n = 0; n < 1_000; n++) two.setConnections(`passes ${n}`, undefined);
    await expect(one.broker.presence.members('a')).rejects.toMatchObject({ code: 'broker-unavailable' });
    await server.launch();
    await one.waitForMembers('comes 2', 'stays 1');
    await two.waitForMembers('comes 2', 'stays 1');
    expect(two.changes.filter((change) => change.includes('passes'))).toEqual([]);
  });

  it('includes a node that started without Redis once Redis is available', async () => {
    await server.kill();
    const node = newNode();
    await node.startWithoutRedis('a');
    node.setConnections('ann', 1);
    await server.launch();
    await node.waitForMembers('ann 1');
  });

  it('stays correct while scripts are lost and connections are cut', async () => {
    const [one, two] = [await newNode().start('a'), await newNode().start()];
    for (let n = 0; n < 40; n++) {
      one.setConnections(`user ${n}`, 1);
      two.setConnections(`user ${n}`, n % 2 === 0 ? 1 : undefined);
      await pause(1);
      if (n % 10 === 5) await server.command('SCRIPT', 'FLUSH');
      if (n % 10 === 0) await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    }
    await one.waitForMembers(...Array.from({ length: 40 }, (_, n) => `user ${n} ${n % 2 === 0 ? 2 : 1}`));
    await eventually(() => one.changes.length === 40, 'the joins');
    expect(new Set(one.changes).size).toBe(40);
  });

  it('writes changes completely once Redis has memory again', async () => {
    const node = await newNode().start('a');
    node.setConnections('ann', 1);
    await node.waitForMembers('ann 1');
    await server.command('CONFIG', 'SET', 'maxmemory', '1000000');
    node.setConnections('ann', 2);
    node.setConnections('bob', 1);
    node.setConnections('ann', undefined);
    await pause(100);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await node.waitForMembers('bob 1');
  });

  it('reports the leaves of a closed node at the end of the grace time, without waiting for a heartbeat', async () => {
    const staying = await newNode({ heartbeatMs: 600_000 }).start('a');
    const leaving = await newNode().start();
    leaving.setConnections('back', 0);
    leaving.setConnections('gone', 0);
    await staying.waitForMembers('back 0', 'gone 0');
    await within(leaving.close(300), 'the close');
    staying.setConnections('back', 1);
    await staying.waitForMembers('back 1');
    await eventually(() => staying.changes.length === 3, 'the leave');
    expect(staying.changes.toSorted()).toEqual(['join back', 'join gone', 'leave gone']);
  });

  it('closes a node without waiting for Redis while Redis is unavailable', async () => {
    const node = await newNode().start();
    node.setConnections('ann', 1);
    await node.waitForMembers('ann 1');
    await server.kill();
    await within(node.close(1_000), 'the close', 4_000);
  });

  it('removes on the next node the members of nodes that have all crashed', async () => {
    const last = await newNode().start();
    last.setConnections('ann', 1);
    await last.waitForMembers('ann 1');
    await last.crash();
    await expireLeases(server);
    const next = await newNode().start();
    await next.waitForMembers();
    await eventually(async () => !(await keysLeft()).includes(':pm:'), 'nothing left');
  });
});
