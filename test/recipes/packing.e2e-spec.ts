import { Controller, Get, Headers, Module, UnauthorizedException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import type { INestApplicationContext } from '@nestjs/common';
import { describeWithRedis, freePort, RedisServer } from '../redis/redis-server.js';
import { CollectingLogger } from '../support/collecting-logger.js';
import { fastify } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS, within } from '../support/within.js';
import { Packing, Parcels, SHOP_URL } from './code/packing.js';
import type { RunningApp } from '../support/running-app.js';

const LONG_MS = 60_000;

/** Orders of the shop, in its database. */
const paid: number[] = [];

@Controller('orders')
class ShopController {
  @Get()
  orders(): number[] {
    return paid;
  }

  @Get('events')
  @SseRoom('orders')
  events(@Headers('authorization') authorization: string): void {
    if (authorization !== 'Bearer of-the-shop') throw new UnauthorizedException();
  }
}

describe('a service that follows the stream of another one', () => {
  let port: number;
  let redis: RedisServer | undefined;
  let shop: RunningApp;
  let service: INestApplicationContext;
  let parcels: Parcels;
  let logger: CollectingLogger;

  beforeEach(async () => {
    port = await freePort();
    process.env['SHOP_TOKEN'] = 'of-the-shop';
    paid.length = 0;
    parcels = new Parcels();
  });
  afterEach(async () => {
    await service.close();
    await shop.close();
    await redis?.dispose();
    redis = undefined;
    delete process.env['SHOP_TOKEN'];
  });

  async function startShop(options: SseModuleOptions = {}): Promise<void> {
    const module = sseApp({ controllers: [ShopController], options: { retryMs: 20, ...options } });
    shop = await fastify.start(module, { port });
  }

  async function startService(): Promise<void> {
    const url = `http://127.0.0.1:${port}`;
    @Module({
      providers: [{ provide: SHOP_URL, useValue: url }, { provide: Parcels, useValue: parcels }, Packing],
    })
    class ServiceModule {}
    logger = new CollectingLogger();
    service = await NestFactory.createApplicationContext(ServiceModule, { logger });
  }

  const isConnected = (): Promise<void> =>
    eventually(() => shop.sse.count() === 1, 'the stream', PATIENCE_MS);

  async function pay(...ids: number[]): Promise<void> {
    for (const id of ids) {
      paid.push(id);
      await shop.sse.broadcast('orders', 'paid', { id });
    }
  }

  const packs = (...ids: number[]): Promise<void> =>
    eventually(() => parcels.ids.length === ids.length, `the parcels ${ids.join()}`, PATIENCE_MS).finally(
      () => expect(parcels.ids).toEqual(ids),
    );

  it('ends its stream when its module is destroyed, and goes on behind the last order at the next start', async () => {
    await startShop();
    await pay(1); // before anybody listens
    await startService();
    await isConnected();
    await pay(2);
    await packs(1, 2);
    await within(service.close(), 'the end of the service');
    await eventually(() => shop.sse.count() === 0, 'no stream');
    await pay(3, 4);
    await startService();
    await isConnected();
    await pay(5);
    await packs(1, 2, 3, 4, 5);
  });

  it('goes on at an order that could not be packed', async () => {
    await startShop();
    const fault = new Error('no cardboard');
    const pack = parcels.pack.bind(parcels);
    let attempts = 0;
    parcels.pack = async (id, position) => {
      if (id === 2 && ++attempts === 1) throw fault;
      await pack(id, position);
    };
    await startService();
    await isConnected();
    await pay(1, 2, 3);
    await packs(1, 2, 3);
    expect(attempts).toBe(2);
  });

  it('packs what is missing after a gap: the shop has lost its history', async () => {
    await startShop();
    await startService();
    await isConnected();
    await pay(1);
    await packs(1);
    await shop.close();
    paid.push(2);
    await startShop();
    await isConnected();
    await packs(1, 2);
    await pay(3);
    await packs(1, 2, 3);
  });

  describeWithRedis('with Redis', () => {
    it(
      'packs every order once and in order over restarts of the shop',
      async () => {
        const server = (redis = await RedisServer.start());
        const startWithRedis = (): Promise<void> =>
          startShop({ broker: redisBroker({ url: `redis://127.0.0.1:${server.port}` }) });
        await startWithRedis();
        await startService();
        await isConnected();
        let next = 1;
        for (let restart = 0; restart < 3; restart++) {
          await pay(next++, next++);
          await shop.close();
          await startWithRedis();
          await pay(next++);
          await isConnected();
          await pay(next++);
        }
        await packs(...Array.from({ length: next - 1 }, (_, n) => n + 1));
        expect(logger.complaints).toEqual([]);
        // One client all the time: the orders came over its stream.
        expect(logger.lines.filter(({ text }) => text.includes('connecting: start'))).toHaveLength(1);
      },
      LONG_MS,
    );
  });
});
