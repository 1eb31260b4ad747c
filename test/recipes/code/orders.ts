import { Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { NotFoundException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SseRoom, SseService } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

export interface Order {
  id: string;
  owner: string;
  state: string;
}

@Injectable()
export class Orders {
  private readonly orders = new Map<string, Order>();

  constructor(private readonly sse: SseService) {}

  find(id: string): Order | undefined {
    return this.orders.get(id);
  }

  async save(order: Order): Promise<void> {
    this.orders.set(order.id, order);
    await this.sse.broadcast(`orders/${order.id}`, 'changed', order);
  }
}

/** Refuses with 404 before the stream opens: another user must not learn that the order exists. */
@Injectable()
export class OwnerGuard implements CanActivate {
  constructor(private readonly orders: Orders) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<SignedIn & { params: { id: string } }>();
    if (this.orders.find(request.params.id)?.owner !== request.user.id) throw new NotFoundException();
    return true;
  }
}

@Controller('orders')
@UseGuards(SessionGuard, OwnerGuard)
export class OrdersController {
  constructor(private readonly orders: Orders) {}

  @Get(':id/events')
  @SseRoom('orders/:id', {
    snapshot: ({ params }, controller: OrdersController) => controller.orders.find(params['id'] ?? ''),
  })
  events(): void {}
}
