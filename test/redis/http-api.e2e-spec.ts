import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { SseHttpApiModule } from 'nestjs-simple-sse/http-api';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const KEY = 'k'.repeat(32);

@Controller()
class StreamController {
  @Get('stream')
  @SseRoom('orders')
  stream(): void {}
}

describeWithRedis('publishing over HTTP at two nodes', () => {
  let server: RedisServer;
  let nodes: RunningApp[];

  beforeEach(async () => {
    server = await RedisServer.start();
    const start = (platform: typeof express): Promise<RunningApp> =>
      platform.start(
        sseApp({
          controllers: [StreamController],
          imports: [SseHttpApiModule.forRoot({ keys: [KEY] })],
          options: { broker: redisBroker({ url: server.url, publishTimeoutMs: 500 }) },
        }),
      );
    nodes = [await start(express), await start(fastify)];
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await server.dispose();
  });

  const post = (node: number, body: object): Promise<Response> =>
    fetch(`${nodes[node]?.url}/sse/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
      body: JSON.stringify(body),
    });

  it('counts simultaneous requests with one idempotency key at both nodes once, with one position for all', async () => {
    const streams = await Promise.all(nodes.map((node) => node.listen('/stream')));
    const event = { rooms: 'orders', data: 'once', idempotencyKey: 'paid-7' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n < 10 ? post(n % 2, event) : post(n % 2, { events: [event] }))),
    );
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as {
      position?: string;
      results?: { position: string }[];
    }[];
    const positions = new Set(bodies.map(({ position, results }) => position ?? results?.[0]?.position));
    expect([...positions]).toEqual([expect.any(String)]);
    await post(0, { rooms: 'orders', data: 'last' });
    for (const stream of streams) {
      const received = await stream.nextEvents(2);
      expect(received.map(({ data }) => data)).toEqual(['once', 'last']);
      expect(received[0]?.id).toBe([...positions][0]);
    }
  });

  it('answers 503 with Retry-After while Redis is away', async () => {
    await server.kill();
    for (const node of [0, 1]) {
      const answer = await post(node, { rooms: 'orders', data: 1 });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await answer.json()).toMatchObject({ code: 'broker-unavailable' });
    }
  });
});
