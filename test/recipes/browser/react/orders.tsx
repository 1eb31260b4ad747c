import { connectSse, type SseLive, type SseState } from 'nestjs-simple-sse/client';
import { useSyncExternalStore, type JSX } from 'react';
import type { OrderEvents } from '../order-events.js';

interface OrdersSnapshot {
  readonly state: SseState;
  readonly paid: ReadonlySet<number>;
}

/** The orders that components show. Its stream is open while at least one component is mounted. */
class OrdersStore {
  #snapshot: OrdersSnapshot = { state: 'connecting', paid: new Set() };
  #live: SseLive<OrderEvents> | undefined;
  readonly #onChange = new Set<() => void>();

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#onChange.add(onChange);
    this.#live ??= this.#open();
    return () => {
      this.#onChange.delete(onChange);
      if (this.#onChange.size > 0) return;
      this.#live?.close();
      this.#live = undefined;
    };
  };

  /** The same object until something changes, as React requires. */
  readonly getSnapshot = (): OrdersSnapshot => this.#snapshot;

  #open(): SseLive<OrderEvents> {
    const live = connectSse<OrderEvents>('/orders/events');
    // The snapshot may have some of the orders that follow it: a set has each of them once.
    live.on('snapshot', (ids) => this.#change({ paid: new Set(ids) }));
    live.on('paid', ({ id }) => this.#change({ paid: new Set(this.#snapshot.paid).add(id) }));
    live.onGap(() => {}); // The server sends the snapshot again.
    live.onState((state) => this.#change({ state }));
    return live;
  }

  #change(part: Partial<OrdersSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...part };
    for (const onChange of this.#onChange) onChange();
  }
}

const store = new OrdersStore();

export function Orders(): JSX.Element {
  const { state, paid } = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  return (
    <section>
      <p role="status">{state}</p>
      <ol>
        {[...paid].map((id) => (
          <li key={id}>{id}</li>
        ))}
      </ol>
    </section>
  );
}
