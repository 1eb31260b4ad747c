import { Injectable } from '@nestjs/common';
import { OnRoom, type SseMessage } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

@Injectable()
class Ears {
  readonly heard: string[] = [];

  @OnRoom('audit', { nodes: 'all' })
  onEachNode({ data }: SseMessage): void {
    this.heard.push(`all ${String(data)}`);
  }

  @OnRoom('*')
  onOne({ data }: SseMessage): void {
    this.heard.push(`own ${String(data)}`);
  }
}

const expected = (own: string): string[] => ['all from one', 'all from two', own].toSorted();
const wanted = (heard: string[]): string[] => heard.filter((each) => each.includes('from')).toSorted();

describeWithRedis('@OnRoom over two nodes and Redis', () => {
  let redis: RedisServer;
  let nodes: RunningApp[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    const app = (): ReturnType<typeof sseApp> =>
      sseApp({ providers: [Ears], options: { broker: redisBroker({ url: redis.url }) } });
    nodes = [await express.start(app()), await fastify.start(app())];
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await redis?.dispose();
  });

  it('hears an event once, on the node that published it, and with nodes: all on each node', async () => {
    const ears = nodes.map((node) => node.get(Ears).heard);
    // Each node hears the other when the broker delivers the room to it.
    await eventually(async () => {
      await nodes[0]?.sse.broadcast('audit', 'warm-up');
      return ears.every((heard) => heard.some((each) => each.startsWith('all')));
    }, 'both subscriptions');
    for (const heard of ears) heard.length = 0;
    await nodes[0]?.sse.broadcast('audit', 'from one');
    await nodes[1]?.sse.broadcast('audit', 'from two');
    await eventually(() => ears.every((heard) => wanted(heard).length === 3), 'all events');
    expect(ears.map(wanted)).toEqual([expected('own from one'), expected('own from two')]);
  });
});
