import { Component, DestroyRef, inject, Injectable, NgZone, signal } from '@angular/core';
import { connectSse, type SseState } from 'nestjs-simple-sse/client';
import type { OrderEvents } from '../order-events.js';

/** The orders that a component shows. Its stream is open until the component is destroyed. */
@Injectable()
export class Orders {
  readonly state = signal<SseState>('connecting');
  readonly paid = signal<ReadonlySet<number>>(new Set());

  constructor() {
    // Outside the zone the timers and heartbeats of the client run no change detection. A signal runs it by itself.
    const live = inject(NgZone).runOutsideAngular(() => connectSse<OrderEvents>('/orders/events'));
    // The snapshot may have some of the orders that follow it: a set has each of them once.
    live.on('snapshot', (ids) => this.paid.set(new Set(ids)));
    live.on('paid', ({ id }) => this.paid.update((paid) => new Set(paid).add(id)));
    live.onGap(() => {}); // The server sends the snapshot again.
    live.onState((state) => this.state.set(state));
    inject(DestroyRef).onDestroy(() => live.close());
  }
}

@Component({
  selector: 'app-orders',
  providers: [Orders],
  template: `
    <p role="status">{{ orders.state() }}</p>
    <ol>
      @for (id of orders.paid(); track id) {
        <li>{{ id }}</li>
      }
    </ol>
  `,
})
export class OrdersComponent {
  protected readonly orders = inject(Orders);
}
