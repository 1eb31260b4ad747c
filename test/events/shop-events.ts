import { type } from 'arktype';
import { defineEvents, typeOnly } from 'nestjs-simple-sse/contract';
import * as v from 'valibot';
import { z } from 'zod';

export interface Order {
  readonly id: number;
  readonly placedAt: Date;
  readonly note?: string;
}

/** A contract with schemas of three libraries, and types alone. */
export const events = defineEvents({
  'orders/:id': {
    paid: z.object({ amount: z.number(), lines: z.array(z.object({ sku: z.string() })).optional() }),
    shipped: v.object({ carrier: v.picklist(['post', 'bike']) }),
    placed: typeOnly<Order>(),
  },
  'orders/all': { count: type('number.integer'), paid: typeOnly<{ amount: number; by: string }>() },
  'orders/:id/items': { added: type({ sku: 'string' }) },
  'user::name': { message: z.string(), trimmed: z.string().transform((text) => text.length) },
  '*': { notice: z.object({ text: z.string() }) },
});

export type ShopEvents = typeof events;
