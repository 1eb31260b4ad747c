import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compileApp } from '../../support/compiled-app.js';
import { eventually } from '../../support/within.js';
import { PresenceNode } from './presence-node.js';
import { describeWithRedis, RedisServer } from '../redis-server.js';

/** A program that runs a node with three users in room `a`, with a short lease so that the test need not wait long. */
const NODE = `
  import { createRedisBroker } from './node_modules/nestjs-simple-sse/broker/redis/create-redis-broker.js';
  import { resolveRedisOptions } from './node_modules/nestjs-simple-sse/broker/redis/redis-broker-options.js';

  const times = { heartbeatMs: 200, leaseMs: 1_500, claimMs: 2_000, cleanUpDelayMs: 100 };
  const broker = createRedisBroker(resolveRedisOptions({ url: process.argv[2], driver: 'ioredis' }), times);
  const listener = { onMessage() {}, onStateChange() {}, onEpochChange() {}, onGap() {} };
  await broker.start({ maxBytes: 1e6, limitsOf: () => false }, listener);
  broker.presence.open();
  for (const user of ['ann', 'bob', 'cat']) broker.presence.set('a', user, { connections: 1, info: undefined });
  setInterval(() => {}, 1_000);
`;

describeWithRedis('presence of a node in another process', () => {
  let server: RedisServer;
  let child: ChildProcess;
  let remove: () => void;
  let observer: PresenceNode;

  beforeAll(async () => {
    server = await RedisServer.start();
    const app = compileApp(NODE);
    remove = app.remove;
    observer = await new PresenceNode({ url: server.url, driver: 'redis' }).start('a');
    child = spawn(process.execPath, [app.main, server.url], { stdio: ['ignore', 'ignore', 'inherit'] });
  });

  afterAll(async () => {
    child.kill('SIGKILL');
    await observer.broker.close();
    await server.dispose();
    remove();
  });

  it('ends while the process is frozen for longer than its lease, and returns once it is thawed', async () => {
    await observer.waitForMembers('ann 1', 'bob 1', 'cat 1');
    child.kill('SIGSTOP');
    await observer.waitForMembers();
    child.kill('SIGCONT');
    await observer.waitForMembers('ann 1', 'bob 1', 'cat 1');
  });

  it('ends with a leave for each user after the process is killed', async () => {
    await observer.waitForMembers('ann 1', 'bob 1', 'cat 1');
    const died = once(child, 'exit');
    child.kill('SIGKILL');
    await died;
    await observer.waitForMembers();
    await eventually(
      () =>
        ['ann', 'bob', 'cat'].every(
          (user) => observer.changes.filter((text) => text.endsWith(user)).at(-1) === `leave ${user}`,
        ),
      'the leaves',
    );
  });
});
