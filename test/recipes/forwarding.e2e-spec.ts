import { EventBus } from '@nestjs/cqrs';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { firstValueFrom } from 'rxjs';
import { platforms } from '../support/platforms.js';
import { ForwardingModule, OrderPaid } from './code/forwarding.js';

describe.each(platforms)('the recipe of forwarding, on $name', (platform) => {
  it('publishes events of @nestjs/event-emitter and of @nestjs/cqrs to their rooms', async () => {
    const running = await platform.start(ForwardingModule);
    const emitted = firstValueFrom(running.sse.stream('orders/7'));
    running.get(EventEmitter2).emit('order.paid', new OrderPaid(7, 30));
    expect(await emitted).toMatchObject({ event: 'paid', data: { id: 7, amount: 30 } });
    const handled = firstValueFrom(running.sse.stream('orders/8'));
    await running.get(EventBus).publish(new OrderPaid(8, 40));
    expect(await handled).toMatchObject({ event: 'paid', data: { amount: 40 } });
    await running.close();
  });
});
