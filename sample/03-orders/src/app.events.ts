import { defineEvents } from 'nestjs-simple-sse/contract';
import { z } from 'zod';
import { ORDER_STATUSES } from './orders/order-status.js';

const ORDER = z.strictObject({
  id: z.int(),
  customer: z.string(),
  status: z.enum(ORDER_STATUSES),
  lines: z.array(
    z.strictObject({ product: z.string(), name: z.string(), quantity: z.int(), priceCents: z.int() }),
  ),
  totalCents: z.int(),
  /** Grows with each change: a page ignores an order that is older than the one that it shows. */
  version: z.int(),
});

/** A line in the history of an order: a change of its status, or a message. */
const ENTRY = z.strictObject({
  id: z.int(),
  order: z.int(),
  author: z.string(),
  text: z.string(),
  /** Milliseconds since 1970. */
  at: z.int(),
});

const NOTIFICATION = z.strictObject({
  id: z.int(),
  account: z.string(),
  order: z.int(),
  text: z.string(),
  at: z.int(),
});

const STOCK = z.strictObject({ id: z.string(), stock: z.int() });

/** Rooms of the shop, and their events. Who may be in a room is decided by `RoomPermissions`. */
export const shopEvents = defineEvents({
  /** Whoever has the order open. */
  'orders/:id': { entry: ENTRY },
  /** All streams of one account. */
  'users/:id': { order: ORDER, notification: NOTIFICATION, read: z.strictObject({ upTo: z.int() }) },
  /** The staff, who see all orders. */
  staff: { order: ORDER },
  /** Everybody, also visitors who are not signed in. */
  products: { stock: z.array(STOCK), catalogue: z.strictObject({ products: z.int() }) },
});

export type ShopEvents = typeof shopEvents;
export type Order = z.infer<typeof ORDER>;
export type Entry = z.infer<typeof ENTRY>;
export type Notification = z.infer<typeof NOTIFICATION>;
export type Stock = z.infer<typeof STOCK>;
