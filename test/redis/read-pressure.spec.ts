import { Controller, Get } from '@nestjs/common';
import { SseRoom, type RoutedRequest } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { express } from '../support/platforms.js';
import { memoryInUse } from '../support/memory-in-use.js';
import { requestOverHttp1 } from '../support/raw-response.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { positionOf } from '../support/wire-ids.js';
import { eventually, PATIENCE_MS, pause, within } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { ThrottlingProxy } from './throttling-proxy.js';

const MIB = 1_048_576;

@Controller()
class RoomController {
  @Get('stream')
  @SseRoom((request: RoutedRequest) => String(request.query['rooms']).split(','))
  stream(): void {}
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])('reads of history, over %s', (driver) => {
  let server: RedisServer;
  let proxy: ThrottlingProxy | undefined;
  const running: RunningApp[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    for (const each of running.splice(0)) await each.close();
    proxy?.close();
    proxy = undefined;
    await server.dispose();
  });

  async function startNode(url = server.url, publishTimeoutMs = 5_000): Promise<RunningApp> {
    const broker = redisBroker({ url, driver, publishTimeoutMs });
    const node = await express.start(
      sseApp({ controllers: [RoomController], options: { broker, heartbeatIntervalMs: false } }),
    );
    running.push(node);
    return node;
  }

  const callsOfScripts = async (): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.command('INFO', 'commandstats'))?.[1] ?? 0);

  it('for many made-up positions delay no publish, hold little memory, and end with their clients', async () => {
    const writer = await startNode();
    const start = (await writer.sse.position(['room'])) as string;
    const text = 'x'.repeat(65_536);
    for (let n = 0; n < 256; n++) await writer.sse.broadcast('room', text);
    // Without recent events of its own, so that each resume reads from Redis.
    const node = await startNode();
    const before = await memoryInUse();

    // The bodies of the answers are not read.
    const answers = Array.from({ length: 60 }, (_, n) =>
      requestOverHttp1(`${node.url}/stream?rooms=room`, { headers: { 'Last-Event-ID': madeUpId(start, n) } }),
    );
    const attackers = await within(Promise.all(answers), 'the answers', PATIENCE_MS);
    for (let n = 0; n < 20; n++) {
      await node.sse.broadcast('elsewhere', `${n}`);
      await pause(20);
    }
    const during = await memoryInUse();
    // 60 lists of 256 events of 64 KiB would be 960 MiB. A client holds a page, and what its socket has not taken.
    expect(during.heap + during.buffers - before.heap - before.buffers).toBeLessThan(200 * MIB);

    for (const attacker of attackers) attacker.close();
    await eventually(() => node.sse.count() === 0, 'the end of the attackers');
    // A read that was sent before is answered.
    await node.sse.broadcast('elsewhere', 'last');
    await pause(100);
    const left = await callsOfScripts();
    await pause(500);
    expect((await callsOfScripts()) - left).toBeLessThan(10);
  });

  it('over a slow link arrive once, while publishes of the node do not wait for them', async () => {
    const writer = await startNode();
    const start = (await writer.sse.position(['room'])) as string;
    const text = 'x'.repeat(262_144);
    for (let n = 0; n < 40; n++) await writer.sse.broadcast('room', `${n} ${text}`);
    proxy = await ThrottlingProxy.start(server.port, 5 * MIB);
    // The 10 MiB of history take twice as long as the deadline of a call.
    const node = await startNode(proxy.url, 1_000);
    const stream = await node.listen('/stream?rooms=room', { headers: { 'Last-Event-ID': start } });
    const carried = proxy.carried;
    let published = 0;
    const received = eventually(
      () => stream.events.filter(({ event }) => event === 'message').length === 40,
      'all events',
      PATIENCE_MS,
    );
    const publishing = (async () => {
      while (stream.events.filter(({ event }) => event === 'message').length < 40) {
        await node.sse.broadcast('elsewhere', `${published++}`);
        await pause(20);
      }
    })();
    await Promise.all([received, publishing]);
    expect(published).toBeGreaterThan(2);
    expect(stream.events.map(({ event }) => event)).not.toContain('sse:gap');
    // Pages that time out are read again in smaller ones, at most a few times.
    expect(proxy.carried - carried).toBeLessThan(30 * MIB);
  });
});

/** Returns an id of the same epoch at an earlier position: a different one for each `n`. */
function madeUpId(id: string, n: number): string {
  const [version, epoch] = id.split('.');
  return `${version}.${epoch}.${(positionOf(id) - 1 - n).toString(36)}`;
}
