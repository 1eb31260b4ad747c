import { deepStrictEqual, strictEqual } from 'node:assert';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { NestFactory } from '@nestjs/core';
import { closeTestStreams, openTestStream } from 'nestjs-simple-sse/testing';
import { Orders, OrdersModule } from './orders.js';

test('a heartbeat, and the end of an event in history', async ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });
  // The timers of node:test leave this clock running.
  mock.method(performance, 'now', () => Date.now());
  const app = await NestFactory.create(OrdersModule, { logger: false });
  const stream = await openTestStream(app, '/orders/7/events');

  mock.timers.tick(30_000);
  strictEqual(await stream.nextComment(), '');

  await stream.close();
  await app.get(Orders).pay(7);
  mock.timers.tick(660_000);
  await stream.reconnect();
  await stream.next('sse:gap');
  deepStrictEqual(stream.gaps[0]?.rooms, ['orders/7']);
  await closeTestStreams();
  await app.close();
});
