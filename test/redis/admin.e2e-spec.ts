import { redisBroker } from 'nestjs-simple-sse/redis';
import { adminApp, change, listener, next, OPERATOR, OPTIONS } from '../admin/admin-app.js';
import { eventually, pause } from '../support/within.js';
import { express, fastify } from '../support/platforms.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import type { RunningApp } from '../support/running-app.js';

interface Summary {
  node: string;
  name: string;
  streams: number;
}

const headers = OPERATOR;

describeWithRedis('the operator’s page over two nodes and Redis', () => {
  let redis: RedisServer;
  let nodes: [RunningApp, RunningApp];

  beforeAll(async () => {
    redis = await RedisServer.start();
    const start = (platform: typeof express, nodeName: string): Promise<RunningApp> =>
      platform.start(
        adminApp(
          { ...OPTIONS, nodeName },
          { broker: redisBroker({ url: redis.url }), limits: { maxEventBytes: 100 } },
        ),
      );
    nodes = [await start(express, 'web-1'), await start(fastify, 'web-2')];
  });
  afterEach(() => Promise.all(nodes.map((node) => node.disconnectAll())));
  afterAll(async () => {
    await Promise.all((nodes ?? []).map((node) => node.close()));
    await redis?.dispose();
  });

  it('shows the figures of both nodes, each with its own streams, on whichever node it is opened', async () => {
    await listener(nodes[0], '?room=news');
    await listener(nodes[1], '?room=news');
    await listener(nodes[1], '?room=news');
    for (const node of nodes) {
      const page = await node.listen('/sse-admin/events', { headers });
      const one = await next<Summary>(page, 'summary', ({ name }) => name === 'web-1');
      const other = await next<Summary>(page, 'summary', ({ name }) => name === 'web-2');
      expect([one.streams, other.streams]).toEqual([1, 2]);
    }
  });

  it('watches a client of the other node, sends it a test event, and ends its stream', async () => {
    const { id, stream } = await listener(nodes[1], '?room=news&user=ada');
    const page = await nodes[0].listen(`/sse-admin/events?client=${id}&sent=true`, { headers });
    expect(await next(page, 'client')).toMatchObject({ name: 'web-2', user: 'ada', rooms: ['news'] });
    await nodes[0].sse.broadcast('news', 'headline', { n: 1 });
    expect(await next(page, 'sent')).toMatchObject({ events: [{ event: 'headline', data: '{"n":1}' }] });

    const answer = await change(nodes[0], 'send', { client: id, event: 'test', data: 'hello' });
    expect(await answer.json()).toEqual({ streams: 1 });
    expect(await next(page, 'sent')).toMatchObject({ events: [{ event: 'test', data: 'hello' }] });

    expect(await (await change(nodes[0], 'disconnect', { client: id })).json()).toEqual({ streams: 1 });
    await stream.eventsUntilEnd();
    expect(await next(page, 'client', ({ ended }: { ended?: string }) => ended !== undefined)).toMatchObject({
      ended: 'disconnected',
    });
  });

  it('shows a room with its clients on each node, and sends a test event to all of them', async () => {
    const clients = [await listener(nodes[0], '?room=news'), await listener(nodes[1], '?room=news')];
    const page = await nodes[0].listen('/sse-admin/events?room=news', { headers });
    for (const nodeName of ['web-1', 'web-2'])
      expect(await next(page, 'room', ({ name }: Summary) => name === nodeName)).toMatchObject({
        clients: 1,
      });
    const answer = await change(nodes[1], 'send', { room: 'news', data: 'to all' });
    expect(await answer.json()).toEqual({ streams: 2 });
    for (const { stream } of clients) expect(await stream.nextEvent()).toMatchObject({ data: 'to all' });
  });

  it('no node publishes a summary while nobody looks, and a node that ends says so', async () => {
    const own = await express.start(adminApp(OPTIONS, { broker: redisBroker({ url: redis.url }) }));
    const page = await nodes[0].listen('/sse-admin/events', { headers });
    const third = await next<Summary>(page, 'summary', ({ name }) => !name.startsWith('web-'));
    await own.close();
    expect(await next(page, 'bye')).toMatchObject({ node: third.node });
    page.close();
    const received: string[] = [];
    const subscription = nodes[1].sse.internals.hub
      .observeRoom('*sse:admin-tell')
      .subscribe(({ event }) => received.push(event ?? ''));
    const ask = { rooms: ['*sse:admin-tell'], parts: ['fence', '{}', { volatile: true }] };
    // Longer than two intervals: a summary that was published before the page was closed has arrived.
    await pause(4_500);
    received.length = 0;
    await nodes[0].sse.internals.hub.events.publish(ask);
    await eventually(() => received.length > 0, 'a message is received');
    expect(received).toEqual(['fence']);
    subscription.unsubscribe();
  });
});
