import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { closeTestStreams, createSseServiceMock, openTestStream } from 'nestjs-simple-sse/testing';
import { Orders, OrdersModule } from './orders.js';

it('a payment is published to the room of its order', async () => {
  const sse = createSseServiceMock();
  await new Orders(sse).pay(7);
  expect(sse.published('orders/7')).toEqual([{ event: 'paid', data: { id: 7 } }]);
});

describe('the stream of an order', () => {
  let app: INestApplication;

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [OrdersModule] }).compile();
    app = module.createNestApplication();
  });
  afterEach(async () => {
    await closeTestStreams();
    await app.close();
  });

  it('receives its payment, and no other', async () => {
    const stream = await openTestStream(app, '/orders/7/events');
    await app.get(Orders).pay(8);
    await app.get(Orders).pay(7);
    expect((await stream.next()).data).toEqual({ id: 7 });
  });

  it('receives after a reconnection what it has missed', async () => {
    const stream = await openTestStream(app, '/orders/7/events');
    await stream.close();
    await app.get(Orders).pay(7);
    await stream.reconnect();
    expect((await stream.next('paid')).data).toEqual({ id: 7 });
    expect(stream.gaps).toEqual([]);
  });
});
