import { redisBroker } from 'nestjs-simple-sse/redis';
import { cookieOf, ticketApp } from '../identity/tickets-app.js';
import { express, fastify, type Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const REDEMPTIONS = 50;
const ROUNDS = 5;

describeWithRedis('a ticket over HTTP, at a node on Express and one on Fastify', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.dispose());

  describe.each(['ioredis', 'redis'] as const)('with %s', (driver) => {
    let nodes: RunningApp[];

    const start = (platform: Platform): Promise<RunningApp> =>
      platform.start(
        ticketApp({ broker: redisBroker({ url: server.url, driver, prefix: driver }), tickets: {} }),
      );

    beforeAll(async () => {
      nodes = [await start(express), await start(fastify)];
    });
    afterAll(() => Promise.all(nodes.map((node) => node.close())));

    const nodeOf = (n: number): RunningApp => nodes[n % nodes.length] as RunningApp;

    it(`is redeemed by exactly one of ${REDEMPTIONS} simultaneous requests, whose client alone may come back, to any node`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const ticket = await nodeOf(round).sse.tickets.issue({ user: 'ann', rooms: ['orders/7'] });
        const path = `/orders/7?ticket=${ticket}`;
        const streams = await Promise.all(
          Array.from({ length: REDEMPTIONS }, (_, n) => nodeOf(n).open(path)),
        );
        const winners = streams.filter(({ status }) => status === 200);
        expect(winners).toHaveLength(1);
        const losers = streams.filter(({ status }) => status !== 200);
        expect(losers.map(({ status, headers }) => [status, headers['set-cookie']])).toEqual(
          losers.map(() => [401, undefined]),
        );
        const cookie = cookieOf(winners[0]?.headers ?? {});
        for (const node of nodes) {
          expect((await node.open(path, { headers: { cookie } })).status).toBe(200);
          expect((await node.open(path)).status).toBe(401);
        }
        await Promise.all(nodes.map((node) => node.disconnectAll()));
      }
    });
  });
});
