import { Controller, Get, Injectable } from '@nestjs/common';
import { SseRoom, SseService } from 'nestjs-simple-sse';
import type { OrderEvents } from '../browser/order-events.js';

@Injectable()
export class PaidOrders {
  readonly ids: number[] = [];

  constructor(private readonly sse: SseService<OrderEvents>) {}

  async pay(id: number): Promise<void> {
    this.ids.push(id);
    await this.sse.broadcast('orders', 'paid', { id });
  }
}

@Controller('orders')
export class PaidOrdersController {
  constructor(private readonly orders: PaidOrders) {}

  @Get('events')
  @SseRoom('orders', { snapshot: (_request, controller: PaidOrdersController) => controller.orders.ids })
  events(): void {}
}
