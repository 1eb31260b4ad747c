import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { SseModule, SseRoom, SseService } from 'nestjs-simple-sse';

@Injectable()
export class Orders {
  constructor(private readonly sse: SseService) {}

  async pay(id: number): Promise<void> {
    await this.sse.broadcast(`orders/${id}`, 'paid', { id });
  }
}

@Controller('orders')
class OrdersController {
  @Get(':id/events')
  @SseRoom('orders/:id')
  events(): void {}
}

@Module({ imports: [SseModule.forRoot()], controllers: [OrdersController], providers: [Orders] })
export class OrdersModule {}
