// Never runs: the compiler reads it with the rest (`npm run typecheck`), and fails on each `@ts-expect-error` below which it finds
// nothing wrong.
import type { INestApplication } from '@nestjs/common';
import { SseModule, SseService, type SseClient } from 'nestjs-simple-sse';
import { connectSse } from 'nestjs-simple-sse/client';
import { defineEvents, typeOnly, type EventsOf, type JsonOf } from 'nestjs-simple-sse/contract';
import { createSseServiceMock } from 'nestjs-simple-sse/testing';
import { of } from 'rxjs';
import type { Order, ShopEvents } from './shop-events.js';
import { events } from './shop-events.js';

type Same<A, B> = [A, B] extends [B, A] ? true : false;

export const modules = [
  SseModule.forRoot({ events }),
  SseModule.forRoot({ events, checkEvents: 'warn' }),
  // @ts-expect-error -- not made by defineEvents()
  SseModule.forRoot({ events: { 'orders/:id': {} } }),
  // @ts-expect-error -- no such value
  SseModule.forRoot({ events, checkEvents: 'log' }),
];

export async function broadcasts(sse: SseService<ShopEvents>, id: number, name: string): Promise<void> {
  await sse.broadcast(`orders/${id}`, 'paid', { amount: 7 });
  await sse.broadcast(`orders/${name}`, 'shipped', { carrier: 'bike' });
  await sse.broadcast('orders/7', 'placed', { id, placedAt: new Date() }, { volatile: true });
  await sse.broadcast('orders/all', 'count', 3);
  await sse.broadcast(`orders/${id}/items`, 'added', { sku: 'a' });
  await sse.broadcast('*', 'notice', { text: 'closing' });
  await sse.broadcast(`user:${name}`, 'a text without a name');
  await sse.broadcast(`user:${name}`, 'trimmed', 'what the schema takes, not what it returns');
  await sse.broadcast(['orders/1', 'orders/2'], 'paid', { amount: 7 });
  await sse.broadcast(['orders/1', 'orders/all'], 'paid', { amount: 7, by: 'me' });

  // @ts-expect-error -- no such room
  await sse.broadcast(`order/${id}`, 'paid', { amount: 7 });
  // @ts-expect-error -- any text is no room
  await sse.broadcast(name, 'paid', { amount: 7 });
  // @ts-expect-error -- no such event
  await sse.broadcast(`orders/${id}`, 'payed', { amount: 7 });
  // @ts-expect-error -- an event of other rooms
  await sse.broadcast(`orders/${id}`, 'added', { sku: 'a' });
  // @ts-expect-error -- an event of other rooms: a room that is a key has no events of patterns
  await sse.broadcast('orders/all', 'shipped', { carrier: 'bike' });
  // @ts-expect-error -- a part of a room has no slash
  await sse.broadcast('orders/7/notes', 'paid', { amount: 7 });
  // @ts-expect-error -- not its data
  await sse.broadcast(`orders/${id}`, 'paid', { amount: '7' });
  // @ts-expect-error -- not its data
  await sse.broadcast('orders/7', 'shipped', { carrier: 'boat' });
  // @ts-expect-error -- not its data in the second room
  await sse.broadcast(['orders/1', 'orders/all'], 'paid', { amount: 7 });
  // @ts-expect-error -- no event of the second room
  await sse.broadcast(['orders/1', 'orders/1/items'], 'paid', { amount: 7 });
  // @ts-expect-error -- the room has no event without a name
  await sse.broadcast('orders/7', { amount: 7 });
  // @ts-expect-error -- what the schema takes
  await sse.broadcast('user:a', 'trimmed', 7);
  // @ts-expect-error -- the event of a room, not of all clients
  await sse.broadcast('*', 'paid', { amount: 7 });
}

export function destinations(sse: SseService<ShopEvents>, client: SseClient, id: number): void {
  void sse.to(`orders/${id}`).except(client).emit('paid', { amount: 7 });
  void sse.to('orders/1', ['orders/2']).emit('shipped', { carrier: 'post' });
  void sse.to('orders/1').to('orders/all').emit('paid', { amount: 7, by: 'me' });
  void sse.to('user:a').emit('text');
  // @ts-expect-error -- no such room
  sse.to('ordrs/1');
  // @ts-expect-error -- no such event
  void sse.to('orders/1').emit('payed', { amount: 7 });
  // @ts-expect-error -- not its data
  void sse.to('orders/1').emit('paid', { amount: '7' });
  // @ts-expect-error -- not its data in the second room
  void sse.to('orders/1').to('orders/all').emit('paid', { amount: 7 });
  // @ts-expect-error -- no event without a name
  void sse.to('orders/1').emit({ amount: 7 });
}

export function sends(sse: SseService<ShopEvents>, client: SseClient): void {
  sse.send(client, 'notice', { text: 'welcome' });
  sse.send(client, 'paid', { amount: 7 });
  void sse.send({ user: 7 }, 'added', { sku: 'a' });
  sse.send(client, 'a text');
  // @ts-expect-error -- no such event
  sse.send(client, 'notise', { text: 'welcome' });
  // @ts-expect-error -- not its data
  void sse.send({ user: 7 }, 'notice', { txt: 'welcome' });
  // @ts-expect-error -- not the data of `message`
  sse.send(client, { text: 'welcome' });
}

export function streams(sse: SseService<ShopEvents>): void {
  sse.publishFrom('orders/1', of({ amount: 7 }), 'paid');
  // @ts-expect-error -- not its data
  sse.publishFrom('orders/1', of({ amount: '7' }), 'paid');
  sse.stream('orders/1').subscribe((message) => {
    if (message.event === 'paid') message.data.amount.toFixed();
    // What JSON makes of a date.
    if (message.event === 'placed') message.data.placedAt.toUpperCase();
    // @ts-expect-error -- an event of other rooms
    if (message.event === 'added') return;
  });
}

export function otherServices(app: INestApplication, untyped: SseService): void {
  const typed: SseService<ShopEvents> = app.get(SseService);
  void typed.broadcast('orders/1', 'paid', { amount: 7 });
  void untyped.broadcast('any', 'name', 1);
  const mock = createSseServiceMock<ShopEvents>({ events });
  for (const { event, data } of mock.published('orders/1')) if (event === 'notice') data.text.trim();
  // @ts-expect-error -- no such event
  void mock.broadcast('orders/1', 'payed', { amount: 7 });
}

export function pages(): void {
  const live = connectSse<EventsOf<ShopEvents, 'orders/:id' | '*'>>('/orders/7');
  live.on('paid', ({ amount }) => amount.toFixed());
  live.on('placed', ({ placedAt }) => placedAt.toUpperCase());
  live.on('notice', ({ text }) => text.trim());
  live.on('sse:gap', ({ rooms }) => rooms.join());
  // @ts-expect-error -- an event of other rooms
  live.on('added', () => {});
  // @ts-expect-error -- not its data
  live.on('notice', ({ txt }) => txt);
  const all = connectSse<EventsOf<ShopEvents>>('/all');
  all.on('added', ({ sku }) => sku.trim());
  all.on('message', (text) => text.trim());
  // @ts-expect-error -- no such event
  all.on('addd', () => {});
}

export const json = [
  true satisfies Same<
    JsonOf<Order>,
    { readonly id: number; readonly placedAt: string; readonly note?: string }
  >,
  true satisfies Same<JsonOf<[Date, 1, undefined]>, [string, 1, null]>,
  true satisfies Same<JsonOf<{ a?: { b: Date }[]; c: () => void }>, { a?: { b: string }[] }>,
  true satisfies Same<JsonOf<'a' | Date | null>, string | null>,
  true satisfies Same<JsonOf<unknown>, unknown>,
];

export const wrong = [
  // @ts-expect-error -- no schema
  defineEvents({ orders: { paid: 'string' } }),
  defineEvents({ orders: { paid: typeOnly<{ id: number }>() } }),
];
