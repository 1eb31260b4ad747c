import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually, pause, within } from '../support/within.js';
import { leases, lapse, PresenceNode } from './presence-node.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

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

  it('the members of a dead node are taken away once, and whoever is elsewhere as well stays', async () => {
    const dead = await newNode().start();
    for (let n = 0; n < 250; n++) dead.has(`user ${n}`, 1);
    await eventually(async () => (await dead.members()).length === 250, 'all members');
    const [lease = ''] = await leases(server);
    const [one, two] = [await newNode().start('a'), await newNode().start('a')];
    one.has('user 0', 1);
    await eventually(async () => (await one.members()).includes('user 0 2'), 'the user at both');
    await dead.dies();
    await lapse(server, lease);
    await one.sees('user 0 1');
    const expected = Array.from({ length: 249 }, (_, n) => `leave user ${n + 1}`);
    for (const node of [one, two]) {
      await eventually(() => node.changes.length >= 249, 'every leave');
      expect(node.changes.toSorted()).toEqual(expected.toSorted());
    }
    await eventually(async () => (await leases(server)).length === 2, 'the dead node forgotten');
    one.has('user 0', undefined);
    await one.sees();
    // Of each living node there is the number of its last write.
    expect((await keysLeft()).split(' ').filter((key) => !key.includes(':pn:'))).toEqual([]);
  });

  it('a node that was away for too long writes its members again, whoever finds out first', async () => {
    const away = await newNode({ heartbeatMs: 600_000 }).start();
    away.has('ann', 1);
    away.has('bob', 2);
    await away.sees('ann 1', 'bob 2');
    const [lease = ''] = await leases(server);
    const other = await newNode().start('a');
    await lapse(server, lease);
    await other.sees();
    // Its next word is refused, and it begins anew.
    away.has('ann', 3);
    await other.sees('ann 3', 'bob 2');
    await eventually(() => other.changes.length === 4, 'the changes');
    expect(other.changes.toSorted()).toEqual(['join ann', 'join bob', 'leave ann', 'leave bob']);
    expect(await leases(server)).not.toContain(lease);
  });

  it('a node finds out by itself that it was away', async () => {
    const node = await newNode().start();
    node.has('ann', 1);
    await node.sees('ann 1');
    const [lease = ''] = await leases(server);
    await lapse(server, lease);
    await eventually(async () => (await leases(server)).every((name) => name !== lease), 'another lease');
    await node.sees('ann 1');
  });

  it('when Redis was away from all of them, nobody leaves', async () => {
    const times = { cleanUpDelayMs: 600_000 };
    const all = await Promise.all([1, 2, 3].map(() => newNode(times).start('a')));
    for (const [n, node] of all.entries()) node.has(`user ${n}`, 1);
    const [watching] = all as [PresenceNode];
    await watching.sees('user 0 1', 'user 1 1', 'user 2 1');
    await eventually(() => all.every(({ changes }) => changes.length === 3), 'the joins');
    const before = await leases(server);
    await lapse(server);
    await eventually(async () => {
      const now = await leases(server);
      return all.length === now.filter((name) => !before.includes(name)).length;
    }, 'new leases');
    await eventually(
      async () => (await watching.members()).every((text) => text.endsWith(' 2')),
      'both lives of each',
    );
    for (const { changes } of all) {
      expect(changes.toSorted()).toEqual(['join user 0', 'join user 1', 'join user 2']);
    }
  });

  it('FLUSHALL is mended', async () => {
    const [one, two] = [await newNode().start('a'), await newNode().start('a')];
    one.has('ann', 1);
    two.has('ann', 1);
    two.has('bob', 1);
    await one.sees('ann 2', 'bob 1');
    await server.command('FLUSHALL');
    await one.sees('ann 2', 'bob 1');
    two.has('ann', undefined);
    two.has('bob', undefined);
    await one.sees('ann 1');
    await eventually(() => one.changes.at(-1) === 'leave bob', 'the leave');
  });

  it('what happens while Redis is away counts when it is back, with or without its data', async () => {
    const [one, two] = [await newNode().start('a'), await newNode().start('a')];
    one.has('stays', 1);
    one.has('goes', 1);
    two.has('goes too', 1);
    await one.sees('goes 1', 'goes too 1', 'stays 1');
    await server.kill();
    one.has('goes', undefined);
    one.has('comes', 2);
    two.has('goes too', undefined);
    for (let n = 0; n < 1_000; n++) two.has(`passes ${n}`, 1);
    for (let n = 0; n < 1_000; n++) two.has(`passes ${n}`, undefined);
    await expect(one.broker.presence.members('a')).rejects.toMatchObject({ code: 'broker-unavailable' });
    await server.launch();
    await one.sees('comes 2', 'stays 1');
    await two.sees('comes 2', 'stays 1');
    expect(two.changes.filter((change) => change.includes('passes'))).toEqual([]);
  });

  it('a node that starts without Redis takes part when it is there', async () => {
    await server.kill();
    const node = newNode();
    await node.start('a');
    node.has('ann', 1);
    await server.launch();
    await node.sees('ann 1');
  });

  it('forgotten scripts and cut connections change nothing', async () => {
    const [one, two] = [await newNode().start('a'), await newNode().start()];
    for (let n = 0; n < 40; n++) {
      one.has(`user ${n}`, 1);
      two.has(`user ${n}`, n % 2 === 0 ? 1 : undefined);
      await pause(1);
      if (n % 10 === 5) await server.command('SCRIPT', 'FLUSH');
      if (n % 10 === 0) await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    }
    await one.sees(...Array.from({ length: 40 }, (_, n) => `user ${n} ${n % 2 === 0 ? 2 : 1}`));
    await eventually(() => one.changes.length === 40, 'the joins');
    expect(new Set(one.changes).size).toBe(40);
  });

  it('out of memory, Redis takes nothing half: it is written when there is room', async () => {
    const node = await newNode().start('a');
    node.has('ann', 1);
    await node.sees('ann 1');
    await server.command('CONFIG', 'SET', 'maxmemory', '1000000');
    node.has('ann', 2);
    node.has('bob', 1);
    node.has('ann', undefined);
    await pause(100);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await node.sees('bob 1');
  });

  it('a node that closes says so: who does not come back in time leaves then, and not after a heartbeat', async () => {
    const staying = await newNode({ heartbeatMs: 600_000 }).start('a');
    const leaving = await newNode().start();
    leaving.has('back', 0);
    leaving.has('gone', 0);
    await staying.sees('back 0', 'gone 0');
    await within(leaving.closes(300), 'the goodbye');
    staying.has('back', 1);
    await staying.sees('back 1');
    await eventually(() => staying.changes.length === 3, 'the leave');
    expect(staying.changes.toSorted()).toEqual(['join back', 'join gone', 'leave gone']);
  });

  it('a node that closes while Redis is away does not wait for it', async () => {
    const node = await newNode().start();
    node.has('ann', 1);
    await node.sees('ann 1');
    await server.kill();
    await within(node.closes(1_000), 'the goodbye', 4_000);
  });

  it('what a whole cluster has left behind is cleared up by the next node', async () => {
    const last = await newNode().start();
    last.has('ann', 1);
    await last.sees('ann 1');
    await last.dies();
    await lapse(server);
    const next = await newNode().start();
    await next.sees();
    await eventually(async () => !(await keysLeft()).includes(':pm:'), 'nothing left');
  });
});
