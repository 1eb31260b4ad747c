import {
  applyDecorators,
  Controller,
  Get,
  Injectable,
  Param,
  Post,
  Scope,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  BroadcastsTo,
  OnRoom,
  SseError,
  SseRoom,
  SseService,
  type BroadcastsToOptions,
  type SseMessage,
  type SseModuleOptions,
} from 'nestjs-simple-sse';
import { defineEvents, typeOnly } from 'nestjs-simple-sse/contract';
import { SseServiceMock, SseTestingModule } from 'nestjs-simple-sse/testing';
import { EMPTY, lastValueFrom, map, of, throwError, toArray, type Observable } from 'rxjs';
import { express, platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';

interface Order {
  readonly id: number;
  readonly hidden?: boolean;
}

class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((order: Order) => ({ wrapped: order.id })));
  }
}

@Controller('orders')
class OrdersController {
  @Get(':id/events')
  @SseRoom('orders/:id')
  events(): void {}

  @BroadcastsTo('orders/:id', 'updated')
  @UseInterceptors(Wrapping)
  @Post(':id')
  @BroadcastsTo(({ id }: Order) => [`orders/${id}`], 'seen', { data: ({ id }: Order) => id })
  async update(@Param('id') id: string): Promise<Order> {
    return { id: Number(id) };
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedOrders {
  @BroadcastsTo('orders/:id', 'scoped')
  async save(id: number): Promise<Order> {
    return { id };
  }
}

@Controller('scoped')
class ScopedController {
  constructor(private readonly orders: ScopedOrders) {}

  @Post(':id')
  save(@Param('id') id: string): Promise<Order> {
    return this.orders.save(Number(id));
  }
}

const Paid = (): MethodDecorator => applyDecorators(BroadcastsTo('paid', 'paid') as MethodDecorator);

@Injectable()
class Orders {
  @BroadcastsTo('orders/:id', 'saved')
  async save(order: Order): Promise<Order> {
    return order;
  }

  @BroadcastsTo(
    (order: Order, [_order, by]: [Order, string]) =>
      order.hidden ? undefined : [`orders/${order.id}`, `users/${by}`],
    'shared',
  )
  share(order: Order, by: string): Order {
    return { ...order, id: order.id + by.length };
  }

  @BroadcastsTo('done')
  async nothing(): Promise<void> {}

  @BroadcastsTo('values', 'last')
  values(source: Observable<number>): Observable<number> {
    return source;
  }

  @BroadcastsTo('failed', 'never')
  async fails(): Promise<never> {
    throw new Error('not saved');
  }

  @BroadcastsTo(() => 'broken', 'x', { awaitPublish: true })
  async awaited(): Promise<number> {
    return 7;
  }

  @BroadcastsTo('broken', 'x', { awaitPublish: true })
  awaitedValues(): Observable<number> {
    return of(1, 2);
  }

  @BroadcastsTo('broken', 'x')
  async unawaited(): Promise<number> {
    return 7;
  }

  @BroadcastsTo(() => {
    throw new Error('no room');
  })
  withoutRoom(): number {
    return 7;
  }

  @Paid()
  combined(): number {
    return 7;
  }
}

/** A broker that refuses the room `broken`. */
function breaking(): WrappedMemoryBroker {
  const broker = new WrappedMemoryBroker();
  const publish = broker.publish.bind(broker);
  broker.publish = (rooms, ...rest) =>
    rooms.includes('broken')
      ? Promise.reject(new SseError('broker-unavailable', 'Redis is away.'))
      : publish(rooms, ...rest);
  return broker;
}

@Injectable()
class Listeners {
  readonly received: (string | SseMessage)[] = [];

  @OnRoom('orders/*')
  pattern({ room, event, data }: SseMessage): void {
    this.received.push(`pattern ${room} ${event} ${JSON.stringify(data)}`);
  }

  @OnRoom('orders/:id', { event: 'paid' })
  async template(message: SseMessage): Promise<void> {
    this.received.push(message);
  }

  @OnRoom('audit', { nodes: 'all' })
  @OnRoom('log')
  twice({ room }: SseMessage): void {
    this.received.push(`twice ${room}`);
  }
}

@Injectable()
class FailingEars {
  @OnRoom('*')
  fails(): void {
    throw new Error('deaf');
  }

  @OnRoom('*')
  async rejects(): Promise<void> {
    throw new Error('later');
  }
}

const start = (
  providers: NonNullable<Parameters<typeof sseApp>[0]['providers']>,
  options: SseModuleOptions = {},
): Promise<RunningApp> => express.start(sseApp({ providers, options }));

describe.each(platforms)('@BroadcastsTo on a route, on $name,', (platform) => {
  it('publishes what the method returned, whatever decorators are around it and however it is scoped', async () => {
    const running = await platform.start(
      sseApp({ controllers: [OrdersController, ScopedController], providers: [ScopedOrders] }),
    );
    const stream = await running.listen('/orders/7/events');
    await stream.nextEvent({ control: true });
    const answer = await fetch(`${running.url}/orders/7`, { method: 'POST' });
    expect([answer.status, await answer.json()]).toEqual([201, { wrapped: 7 }]);
    expect((await fetch(`${running.url}/scoped/7`, { method: 'POST' })).status).toBe(201);
    const received = [await stream.nextEvent(), await stream.nextEvent(), await stream.nextEvent()];
    expect(received.map(({ event, data }) => [event, data])).toEqual([
      ['seen', '7'],
      ['updated', '{"id":7}'],
      ['scoped', '{"id":7}'],
    ]);
    await running.close();
  });
});

const mocked = async (): Promise<{ orders: Orders; sse: SseServiceMock }> => {
  const module = await Test.createTestingModule({
    imports: [SseTestingModule],
    providers: [Orders],
  }).compile();
  return { orders: module.get(Orders), sse: module.get(SseServiceMock) };
};

describe('@BroadcastsTo', () => {
  it('names rooms by properties of the result, or by a function of result and arguments', async () => {
    const { orders, sse } = await mocked();
    expect(await orders.save({ id: 7 })).toEqual({ id: 7 });
    expect(orders.share({ id: 7 }, 'ann')).toEqual({ id: 10 });
    expect(sse.published('orders/7')).toEqual([{ event: 'saved', data: { id: 7 } }]);
    expect(sse.published('orders/10')).toEqual([{ event: 'shared', data: { id: 10 } }]);
    expect(sse.published('users/ann')).toHaveLength(1);
  });

  it('publishes nothing where the function names no room, and where the method fails', async () => {
    const { orders, sse } = await mocked();
    orders.share({ id: 7, hidden: true }, 'ann');
    await expect(orders.fails()).rejects.toThrow('not saved');
    expect(sse.publishedRooms()).toEqual([]);
  });

  it('publishes null for a method that returns nothing, and works within applyDecorators', async () => {
    const { orders, sse } = await mocked();
    await orders.nothing();
    expect(orders.combined()).toBe(7);
    expect(sse.published('done')).toEqual([{ event: undefined, data: null }]);
    expect(sse.published('paid')).toEqual([{ event: 'paid', data: 7 }]);
  });

  it('publishes the last value of an Observable, once for each subscription that completes', async () => {
    const { orders, sse } = await mocked();
    const values = orders.values(of(1, 2, 3));
    expect(sse.published('values')).toEqual([]);
    expect(await lastValueFrom(values.pipe(toArray()))).toEqual([1, 2, 3]);
    await lastValueFrom(values);
    await lastValueFrom(orders.values(EMPTY), { defaultValue: 0 });
    await expect(lastValueFrom(orders.values(throwError(() => new Error('broken'))))).rejects.toThrow(
      'broken',
    );
    expect(sse.published('values')).toEqual([
      { event: 'last', data: 3 },
      { event: 'last', data: 3 },
    ]);
  });

  it('reports a publish that fails, without harm to the result', async () => {
    const counted: string[] = [];
    const metrics = { callbackFailed: (name: string) => void counted.push(name) };
    const running = await start([Orders], {
      broker: breaking(),
      metrics: unchecked({
        clientOpened() {},
        clientClosed() {},
        eventDelivered() {},
        volatileDropped() {},
        ...metrics,
      }),
    });
    const orders = running.get(Orders);
    expect(await orders.unawaited()).toBe(7);
    expect(orders.withoutRoom()).toBe(7);
    expect(await orders.save(unchecked({ id: '7/notes' }))).toEqual({ id: '7/notes' });
    expect(await orders.save(unchecked({}))).toEqual({});
    await eventually(() => counted.length === 4, 'four reports');
    expect(new Set(counted)).toEqual(new Set(['@BroadcastsTo']));
    const lines = running.logger.complaints.map(({ text }) => text).join('\n');
    expect(lines).toContain('A callback of the application failed: @BroadcastsTo (Orders.unawaited())');
    expect(lines).toContain('The room "orders/:id" of Orders.save() needs the property "id" of its result');
    await running.close();
  });

  it('with awaitPublish fails as the publish does, after the method has run', async () => {
    const running = await start([Orders], { broker: breaking() });
    const orders = running.get(Orders);
    expect(await sseRefusal(() => orders.awaited())).toMatchObject({ code: 'broker-unavailable' });
    expect(await sseRefusal(() => lastValueFrom(orders.awaitedValues()))).toMatchObject({
      code: 'broker-unavailable',
    });
    expect(running.logger.complaints).toEqual([]);
    await running.close();
  });

  it('works on what a factory of the application returns, and refuses an object that Nest does not know before it runs', async () => {
    const running = await start([{ provide: 'made', useFactory: () => new Orders() }]);
    const received: unknown[] = [];
    running.sse.stream('orders/7').subscribe(({ event }) => received.push(event));
    await running.app.get<Orders>('made').save({ id: 7 });
    await eventually(() => received.length === 1, 'the event');
    await running.close();
    expect(await sseRefusal(() => new Orders().save({ id: 7 }))).toMatchObject({
      code: 'module-not-imported',
    });
  });

  it('publishes to the application of its object, where two share a process', async () => {
    const [one, other] = [await start([Orders]), await start([Orders])];
    const received: string[] = [];
    one.sse.stream('orders/7').subscribe(() => received.push('one'));
    other.sse.stream('orders/7').subscribe(() => received.push('other'));
    await other.get(Orders).save({ id: 7 });
    await eventually(() => received.length === 1, 'the event');
    expect(received).toEqual(['other']);
    await one.close();
    await other.close();
  });

  it('is refused at start-up with a room, a name or an event that cannot be', async () => {
    class Braces {
      @BroadcastsTo('orders/{id}')
      x(): void {}
    }
    class Reserved {
      @BroadcastsTo('a', 'sse:x')
      x(): void {}
    }
    const events = defineEvents({ 'orders/:id': { paid: typeOnly<Order>() } });
    const cases: readonly (readonly [Parameters<typeof start>[0], SseModuleOptions, string])[] = [
      [[Braces], {}, 'invalid-room'],
      [[Reserved], {}, 'invalid-event-name'],
      [[Orders], { events }, 'unknown-event'],
      [[Orders], { events: defineEvents({}) }, 'unknown-room'],
    ];
    for (const [providers, options, code] of cases)
      expect(await sseRefusal(() => start(providers, options))).toMatchObject({ code });
    expect(
      await sseRefusal(() => BroadcastsTo('a', 'b', unchecked<BroadcastsToOptions>({ volatil: true }))),
    ).toMatchObject({
      code: 'invalid-arguments',
    });
  });
});

describe('@OnRoom', () => {
  it('receives events that fit its pattern, its template and its name of events', async () => {
    const running = await start([Listeners]);
    const { received } = running.get(Listeners);
    const id = await running.sse.broadcast(['orders/7', 'orders/8', 'log'], 'paid', { at: new Date(0) });
    await running.sse.broadcast('orders/7/items', 1);
    await running.sse.broadcast('others/7', 'paid', 1);
    await running.sse.to('audit').emit('x', 1);
    expect(received).toEqual([
      'pattern orders/7 paid {"at":"1970-01-01T00:00:00.000Z"}',
      { room: 'orders/7', event: 'paid', data: { at: '1970-01-01T00:00:00.000Z' }, id },
      'twice log',
      'pattern orders/7/items undefined 1',
      'twice audit',
    ]);
    await running.close();
  });

  it('receives nothing that was refused', async () => {
    const running = await start([Listeners, FailingEars], { broker: breaking() });
    await sseRefusal(() => running.sse.broadcast(['orders/7', 'broken'], 'paid', 1));
    expect(running.get(Listeners).received).toEqual([]);
    expect(running.logger.complaints).toEqual([]);
    await running.close();
  });

  it('that throws or rejects is reported, and the others receive the event', async () => {
    const running = await start([FailingEars, Listeners]);
    await running.sse.broadcast('orders/7', 'x', 1);
    expect(running.get(Listeners).received).toHaveLength(1);
    const lines = (): string => running.logger.complaints.map(({ text }) => text).join('\n');
    await eventually(() => lines().includes('later'), 'the rejection');
    expect(lines()).toContain('@OnRoom (FailingEars.fails(), room orders/7)');
    expect(lines()).toContain('@OnRoom (FailingEars.rejects(), room orders/7)');
    await running.close();
  });

  it('leaves no room behind when the application closes', async () => {
    const broker = new WrappedMemoryBroker();
    const left: string[] = [];
    const unsubscribe = broker.unsubscribe.bind(broker);
    broker.unsubscribe = (room) => (left.push(room), unsubscribe(room));
    const running = await start([Listeners], { broker });
    expect(running.sse.rooms()).toEqual(['audit']);
    await running.close();
    expect(left).toContain('audit');
  });

  it('is refused on a request-scoped class, and with a pattern for all nodes', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @OnRoom('a')
      receive(): void {}
    }
    expect(await sseRefusal(() => start([Scoped]))).toMatchObject({
      code: 'invalid-options',
      message: expect.stringContaining('Scoped.receive()'),
    });
    for (const room of ['a/*', 'a/:id', '*'])
      expect(await sseRefusal(() => OnRoom(room, { nodes: 'all' }))).toMatchObject({
        code: 'invalid-arguments',
      });
    expect(await sseRefusal(() => OnRoom('a', unchecked({ node: 'all' })))).toMatchObject({
      code: 'invalid-arguments',
    });
  });
});

it('a publish of an application without @OnRoom calls nothing', async () => {
  const running = await start([]);
  expect(running.app.get(SseService).internals.hub.events.onPublished).toBeUndefined();
  await running.close();
});
