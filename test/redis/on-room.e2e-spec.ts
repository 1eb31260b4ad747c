import { Injectable } from '@nestjs/common';
import { OnRoom, type SseMessage } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

@Injectable()
class Listeners {
  readonly received: string[] = [];

  @OnRoom('audit', { nodes: 'all' })
  onEachNode({ data }: SseMessage): void {
    this.received.push(`all ${String(data)}`);
  }

  @OnRoom('*')
  onOne({ data }: SseMessage): void {
    this.received.push(`own ${String(data)}`);
  }
}

const expected = (own: string): string[] => ['all from one', 'all from two', own].toSorted();
const wanted = (received: string[]): string[] => received.filter((each) => each.includes('from')).toSorted();

describeWithRedis('@OnRoom over two nodes and Redis', () => {
  let redis: RedisServer;
  let nodes: RunningApp[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    const app = (): ReturnType<typeof sseApp> =>
      sseApp({ providers: [Listeners], options: { broker: redisBroker({ url: redis.url }) } });
    nodes = [await express.start(app()), await fastify.start(app())];
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await redis?.dispose();
  });

  it('receives an event once, on the node that published it, and with nodes: all on each node', async () => {
    const lists = nodes.map((node) => node.get(Listeners).received);
    // Each node receives the other when the broker delivers the room to it.
    await eventually(async () => {
      await nodes[0]?.sse.broadcast('audit', 'warm-up');
      return lists.every((received) => received.some((each) => each.startsWith('all')));
    }, 'both subscriptions');
    for (const received of lists) received.length = 0;
    await nodes[0]?.sse.broadcast('audit', 'from one');
    await nodes[1]?.sse.broadcast('audit', 'from two');
    await eventually(() => lists.every((received) => wanted(received).length === 3), 'all events');
    expect(lists.map(wanted)).toEqual([expected('own from one'), expected('own from two')]);
  });
});
