import { deepStrictEqual } from 'node:assert';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { closeTestStreams, createSseServiceMock, openTestStream } from 'nestjs-simple-sse/testing';
import { Orders, OrdersModule } from './orders.js';

it('a payment is published to the room of its order', async () => {
  const sse = createSseServiceMock();
  await new Orders(sse).pay(7);
  deepStrictEqual(sse.published('orders/7'), [{ event: 'paid', data: { id: 7 } }]);
});

describe('the stream of an order', () => {
  let app: INestApplication;

  beforeEach(async () => {
    app = await NestFactory.create(OrdersModule, { logger: false });
  });
  afterEach(async () => {
    await closeTestStreams();
    await app.close();
  });

  it('receives its payment', async () => {
    const stream = await openTestStream(app, '/orders/7/events');
    await app.get(Orders).pay(7);
    deepStrictEqual((await stream.next('paid')).data, { id: 7 });
  });
});
