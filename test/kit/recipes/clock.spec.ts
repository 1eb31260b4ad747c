import { jest } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { closeTestStreams, openTestStream } from 'nestjs-simple-sse/testing';
import { Orders, OrdersModule } from './orders.js';

beforeEach(() => {
  // HTTP needs these three.
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
});
afterEach(async () => {
  await closeTestStreams();
  jest.useRealTimers();
});

it('a heartbeat follows 20 seconds without an event', async () => {
  const app = await NestFactory.create(OrdersModule, { logger: false });
  const stream = await openTestStream(app, '/orders/7/events');
  jest.advanceTimersByTime(30_000);
  expect(await stream.nextComment()).toBe('');
  await closeTestStreams();
  await app.close();
});

it('an event of eleven minutes ago is a gap', async () => {
  const app = await NestFactory.create(OrdersModule, { logger: false });
  const stream = await openTestStream(app, '/orders/7/events');
  await stream.close();
  await app.get(Orders).pay(7);
  jest.advanceTimersByTime(660_000);
  await stream.reconnect();
  await stream.next('sse:gap');
  expect(stream.gaps).toMatchObject([{ rooms: ['orders/7'] }]);
  await closeTestStreams();
  await app.close();
});
