import { connectSse, type SseState } from 'nestjs-simple-sse/client';
import type { OrderEvents } from '../order-events.js';

/** The orders that a component shows. Made while the component is; its stream is open while that is mounted. */
export class Orders {
  state = $state<SseState>('connecting');
  paid = $state.raw<ReadonlySet<number>>(new Set());

  constructor() {
    $effect(() => {
      const live = connectSse<OrderEvents>('/orders/events');
      // The snapshot may have some of the orders that follow it: a set has each of them once.
      live.on('snapshot', (ids) => (this.paid = new Set(ids)));
      live.on('paid', ({ id }) => (this.paid = new Set(this.paid).add(id)));
      live.onGap(() => {}); // The server sends the snapshot again.
      live.onState((state) => (this.state = state));
      return () => live.close();
    });
  }
}
