import { Injectable, Module } from '@nestjs/common';
import { CqrsModule, EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { BroadcastsTo, SseModule } from 'nestjs-simple-sse';

/** An event of the domain: of `@nestjs/event-emitter` by its name, or of `@nestjs/cqrs` by its class. */
export class OrderPaid {
  constructor(
    readonly id: number,
    readonly amount: number,
  ) {}
}

@Injectable()
class EmittedEvents {
  @OnEvent('order.paid')
  @BroadcastsTo('orders/:id', 'paid')
  orderPaid(event: OrderPaid): OrderPaid {
    return event;
  }
}

@EventsHandler(OrderPaid)
class OrderPaidHandler implements IEventHandler<OrderPaid> {
  @BroadcastsTo('orders/:id', 'paid', { data: ({ amount }: OrderPaid) => ({ amount }) })
  handle(event: OrderPaid): OrderPaid {
    return event;
  }
}

@Module({
  imports: [SseModule.forRoot(), EventEmitterModule.forRoot(), CqrsModule.forRoot()],
  providers: [EmittedEvents, OrderPaidHandler],
})
export class ForwardingModule {}
