import { BroadcastsTo } from 'nestjs-simple-sse';
import type { Entry, Notification, Order, Stock } from '../app.events.js';

/** All that one call has stored, in one transaction. */
export interface OrderChange {
  readonly order: Order;
  readonly entry: Entry;
  /** For the customer, unless it is the customer who made the change. */
  readonly notification?: Notification | undefined;
  /** New stock of the products whose stock has changed. */
  readonly stock: readonly Stock[];
}

const PUBLISHED = [
  // One event in several rooms: a client in more than one of them receives it once.
  BroadcastsTo(({ order }: OrderChange) => ['staff', `users/${order.customer}`], 'order', {
    data: ({ order }: OrderChange) => order,
  }),
  BroadcastsTo(({ order }: OrderChange) => `orders/${order.id}`, 'entry', {
    data: ({ entry }: OrderChange) => entry,
  }),
  BroadcastsTo(
    ({ notification }: OrderChange) => notification && `users/${notification.account}`,
    'notification',
    { data: ({ notification }: OrderChange) => notification },
  ),
  BroadcastsTo(({ stock }: OrderChange) => (stock.length > 0 ? 'products' : undefined), 'stock', {
    data: ({ stock }: OrderChange) => stock,
  }),
];

/** Publishes the change that a method returns, after its transaction. A method that throws publishes nothing. */
export function PublishesOrderChange() {
  return (target: object, key: string, descriptor: { value?: (...args: never[]) => OrderChange }): void => {
    for (const publishes of PUBLISHED) publishes(target, key, descriptor);
  };
}
