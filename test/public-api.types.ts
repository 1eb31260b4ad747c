// Never runs: the compiler reads it, and `public-api.spec.ts` fails on whatever it does not accept here, and on each
// `@ts-expect-error` below which it finds nothing wrong.
import type { INestApplication } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import type { TestingModule } from '@nestjs/testing';
import type { Request } from 'express';
import {
  ConnectedClient,
  LastEventId,
  MemoryBroker,
  SseClient,
  SseError,
  SseModule,
  SseRoom,
  SseService,
  type CloseReason,
  type PresenceChange,
  type RoomName,
  type SseDestination,
  type SseErrorCode,
  type SseMember,
  type SseMessage,
  type SseModuleOptions,
  type SseOptionsFactory,
} from 'nestjs-simple-sse';
import { connectSse, type EventsByRoom } from 'nestjs-simple-sse/client';
import { of, type Observable, type Subscription } from 'rxjs';

declare module 'nestjs-simple-sse' {
  interface SseClientContext {
    user?: { name: string };
  }
}

interface ShopEvents {
  paid: { id: number };
  'stock-changed': number;
  moved: { to: 'shelf' | 'shop' };
}

export function typedEvents(sse: SseService<ShopEvents>, client: SseClient): void {
  void sse.broadcast('orders', 'paid', { id: 7 });
  void sse.broadcast(['orders', 7], 'stock-changed', 3, { except: client, volatile: true });
  void sse.broadcast('*', 'an event without a name');
  void sse.broadcast('orders', 'moved', { to: 'shop' });
  sse.send(client, 'paid', { id: 7 });
  sse.send(client, 'paid', { id: 7 }, { volatile: true });
  sse.send(client, { any: 'data' });

  // @ts-expect-error -- not its data
  void sse.broadcast('orders', 'moved', { to: 'home' });
  // @ts-expect-error -- no such event
  void sse.broadcast('orders', 'payed', { id: 7 });
  // @ts-expect-error -- not its data
  void sse.broadcast('orders', 'paid', { id: 'seven' });
  // @ts-expect-error -- not its data
  void sse.broadcast('orders', 'stock-changed', { id: 7 });
  // @ts-expect-error -- no such event
  sse.send(client, 'payed', { id: 7 });
  // @ts-expect-error -- not its data
  sse.send(client, 'paid', 7);
  // @ts-expect-error -- no such option
  void sse.broadcast('orders', 'paid', { id: 7 }, { exept: client });
}

export function eventsWithoutAName(
  sse: SseService<ShopEvents>,
  client: SseClient,
  text: string,
  either: 'paid' | 'other',
): void {
  void sse.broadcast('orders', text);
  void sse.broadcast('orders', { paid: 7 });
  void sse.broadcast('orders', undefined, 'paid', { volatile: true });
  sse.send(client, [1, 'paid']);
  sse.publishFrom('orders', of('paid', 7, { data: 7, type: 'paid' }));
  // @ts-expect-error -- the name of an event, without its data
  void sse.broadcast('orders', 'paid');
  // @ts-expect-error -- possibly the name of an event
  void sse.broadcast('orders', either);
  // @ts-expect-error -- the name of an event, without its data
  sse.send(client, 'stock-changed');
}

export function typedStreams(sse: SseService<ShopEvents>): void {
  sse.publishFrom('orders', of({ id: 7 }), 'paid');
  sse.stream('orders').subscribe((message) => {
    if (message.event === 'paid') message.data.id.toFixed();
    if (message.event === 'stock-changed') message.data.toFixed();
    const id: string | undefined = message.id;
    void id;
    // @ts-expect-error -- no such event
    if (message.event === 'payd') return;
    // @ts-expect-error -- the data of each event has its own type
    message.data.toFixed();
  });
  // @ts-expect-error -- no such event
  sse.publishFrom('orders', of({ id: 7 }), 'payd');
  // @ts-expect-error -- not its data
  sse.publishFrom('orders', of('seven'), 'paid');
}

/** Nest infers the class without its type argument. */
export async function inferredByNest(
  app: INestApplication,
  moduleRef: ModuleRef,
  testing: TestingModule,
  client: SseClient,
): Promise<void> {
  for (const sse of [
    app.get(SseService),
    app.get(SseService, { strict: false }),
    moduleRef.get(SseService),
    testing.get(SseService),
    await app.resolve(SseService),
    await moduleRef.create(SseService),
  ]) {
    await sse.broadcast('r', 'x', 1);
    await sse.broadcast('r', 'x');
    await sse.broadcast('r', 'x', { id: 7 }, { volatile: true });
    sse.send(client, 'x', 1);
    sse.publishFrom('r', of(1), 'x');
    sse.stream('r').subscribe(({ event, data }) => {
      const [name, value]: [string | undefined, unknown] = [event, data];
      void [name, value];
    });
    const untyped: SseService = sse;
    void untyped;
    // @ts-expect-error -- an event name is a string
    await sse.broadcast('r', 7, 1);
    // @ts-expect-error -- no such option
    await sse.broadcast('r', 'x', 1, { volatil: true });
  }
  const typed: SseService<ShopEvents> = app.get(SseService);
  const named = moduleRef.get<SseService<ShopEvents>>(SseService);
  const tested = testing.get<SseService<ShopEvents>>(SseService);
  for (const sse of [typed, named, tested]) {
    await sse.broadcast('orders', 'paid', { id: 7 });
    // @ts-expect-error -- not its data
    await sse.broadcast('orders', 'paid', 7);
  }
}

export function untypedEvents(sse: SseService, client: SseClient): void {
  void sse.broadcast('orders', 'whatever', { id: 7 });
  void sse.broadcast('orders', 'whatever');
  sse.send(client, 'whatever', null);
  sse.send(client, 'whatever');
  sse.publishFrom('orders', of(1), 'whatever');
  // @ts-expect-error -- an event name is a string
  sse.send(client, 7, null);
  // @ts-expect-error -- a room is a string or a number
  void sse.broadcast({ room: 'a' }, 'whatever', 1);
  // @ts-expect-error -- a room is a string or a number
  void sse.join(client, undefined);
  // @ts-expect-error -- a number of milliseconds
  sse.setRetry(client, '3000');
}

export function results(sse: SseService, client: SseClient): void {
  const position: Promise<string | undefined> = sse.broadcast('a', 1);
  const accepted: boolean = sse.send(client, 1);
  const joined: Promise<boolean> = sse.join(client, 0);
  const clients: ReadonlySet<SseClient> = sse.clients('a');
  const rooms: string[] = sse.rooms();
  const count: number = sse.count();
  const messages: Observable<SseMessage> = sse.stream(7);
  const subscription: Subscription = sse.publishFrom('a', of(1), 'tick');
  const gone: Observable<{ client: SseClient; reason: CloseReason }> = sse.disconnected$;
  const closed: Promise<CloseReason> = client.closed;
  const signal: AbortSignal = client.signal;
  const id: string | undefined = client.lastEventId;
  const name: string | undefined = client.context.user?.name;
  void [
    position,
    accepted,
    joined,
    clients,
    rooms,
    count,
    messages,
    subscription,
    gone,
    closed,
    signal,
    id,
    name,
  ];
  // @ts-expect-error -- a view, not the set itself
  client.rooms.add('a');
  // @ts-expect-error -- a view, not the set itself
  sse.clients().delete(client);
  // @ts-expect-error -- what it was made with
  client.id = 'other';
  // @ts-expect-error -- not of an application's making
  void new SseClient();
}

export class Endpoints {
  @SseRoom()
  plain(): void {}

  @SseRoom('orders/:id', { openOnFirstEvent: true, endOnComplete: true, retryMs: false })
  template(@ConnectedClient() client: SseClient, @LastEventId() id: string | undefined): Observable<number> {
    void [client, id];
    return of(1);
  }

  @SseRoom(['a', 0])
  @SseRoom({ retryMs: 5 })
  list(): void {}

  @SseRoom(({ params, query, headers }) => [
    params['id'] ?? '',
    query['room'] ?? '',
    String(headers['x-room']),
  ])
  routed(): void {}

  @SseRoom(async (request: Request) => request.ip ?? [])
  express(): void {}

  // @ts-expect-error -- no such option
  @SseRoom('a', { openOnFirst: true })
  wrong(): void {}
}

export class Options implements SseOptionsFactory {
  createSseOptions(): SseModuleOptions {
    return {
      heartbeatIntervalMs: false,
      rooms: { 'ticker/*': { volatile: true } },
      broker: new MemoryBroker(),
    };
  }
}

export const modules = [
  SseModule.forRoot(),
  SseModule.forRoot({ isGlobal: false, retryMs: 5 }),
  SseModule.forRootAsync({ useClass: Options }),
  SseModule.forRootAsync({
    useFactory: async (retryMs: number) => ({ retryMs }),
    inject: ['RETRY'],
    isGlobal: false,
  }),
  // @ts-expect-error -- no such option
  SseModule.forRoot({ heartbeatInterval: 5 }),
  // @ts-expect-error -- a switch is false, not null
  SseModule.forRoot({ heartbeatIntervalMs: null }),
];

export function errors(error: SseError, room: RoomName): string {
  const code: SseErrorCode = error.code;
  // @ts-expect-error -- the list of codes is closed
  if (code === 'invalid-rooms') return '';
  return `${code} ${room}`;
}

export function destinations(sse: SseService<{ paid: { id: number } }>, client: SseClient): void {
  const others: SseDestination<{ paid: { id: number } }> = sse
    .to('a', 7, ['b'])
    .except(client, [{ user: 7 }]);
  const position: Promise<string | undefined> = others.to('c').emit('paid', { id: 1 }, { volatile: true });
  void [position, others.emit({ id: 1 }), others.emit(undefined, 'text')];
  // @ts-expect-error -- the data of another type
  void others.emit('paid', { id: 'one' });
  // @ts-expect-error -- no event of the map
  void others.emit('payed', { id: 1 });
  // @ts-expect-error -- a name without its data
  void others.emit('paid');
  // @ts-expect-error -- excluded by `except`
  void others.emit('paid', { id: 1 }, { except: client });
  // @ts-expect-error -- a client or a user
  sse.to('a').except('7');
}

export function everyNode(sse: SseService, client: SseClient): void {
  const members: Promise<SseMember[]> = sse.presence('chat/7');
  const changes: Observable<PresenceChange> = sse.presence$(7);
  const now: void = sse.leave(client, 'chat/7');
  const later: Promise<number> = sse.leave({ user: 7 }, 'chat/7');
  const own: Promise<boolean> = sse.join(client, 'chat/7', { replay: 5 });
  const joined: Promise<number> = sse.join({ user: 7 }, 'chat/7', { replay: 5, timeoutMs: 1_000 });
  const byId: Promise<number> = sse.join(client.id, 'chat/7');
  const left: Promise<number> = sse.leave({ room: 'lobby' }, 'chat/7', { timeoutMs: 1_000 });
  const accepted: boolean = sse.send(client, 'hello', 1);
  const sent: Promise<number> = sse.send({ room: 'chat/7' }, 'hello', 1, { volatile: true });
  const ended: Promise<number> = sse.disconnect(client, { retryMs: 5_000, timeoutMs: 1_000 });
  void [own, joined, byId, left, accepted, sent, ended];
  void sse.disconnect(client.id);
  void sse.disconnect({ user: 7 }, { retryMs: 60_000 });
  void sse.disconnect({ user: '7', room: 'chat/7' });
  void sse.disconnect({
    room: 'chat/7',
    where: ({ user, info, connections }) => user === '7' && info === null && connections > 1,
  });
  void sse.broadcast('chat/7', 'sent', 1, { except: [client, { user: 7 }] });
  void [members, changes, now, later];

  // @ts-expect-error -- a predicate needs a room, of whose members it is asked
  void sse.disconnect({ where: () => true });
  // @ts-expect-error -- a user is a string or a number
  void sse.disconnect({ user: null });
  // @ts-expect-error -- no such option
  void sse.disconnect({ user: 7 }, { retry: 1 });
  // @ts-expect-error -- an id of its own is no option of a send to other nodes
  void sse.send({ user: 7 }, 'hello', 1, { id: 5 });
  // @ts-expect-error -- a client of this process settles without answers of other nodes
  void sse.join(client, 'chat/7', { timeoutMs: 1_000 });
}

export const presenceOptions: SseModuleOptions = {
  identify: ({ context }) =>
    context.user && { user: context.user.name, info: { name: context.user.name, tags: ['a'] } },
  presenceGraceMs: false,
  rooms: { 'chat/*': { presence: true, presenceEvents: true } },
};

export const wrongInfo: SseModuleOptions = {
  // @ts-expect-error -- JSON cannot represent it
  identify: () => ({ user: 7, info: () => 1 }),
};

export async function typedClient(signal: AbortSignal): Promise<void> {
  const live = connectSse<ShopEvents>('/events', { ticket: () => ({ ticket: 'x' }), signal });
  live.on('paid', ({ id }, { data, name }) => [id.toFixed(), data.id === id, name === 'paid']);
  live.on('sse:join', ({ room, user }) => room + user);
  live.onGap(({ rooms, reason }) => rooms.join(reason));
  live.onState((state, { retryAt }) => state === 'waiting' && retryAt?.getTime());
  for await (const { data } of live.events('moved')) data.to satisfies 'shelf' | 'shop';
  connectSse('/events').on('anything', (data) => data satisfies unknown);

  // @ts-expect-error -- no such event
  live.on('payed', () => {});
  // @ts-expect-error -- no such event
  live.events('payed');
  // @ts-expect-error -- no such field
  live.on('paid', ({ it }) => it);
  // @ts-expect-error -- not its data
  live.on('stock-changed', (count: string) => count);
  // @ts-expect-error -- no such state
  live.onState((state) => state === 'open');
  // @ts-expect-error -- no such option
  connectSse('/events', { headrs: {} });
  // @ts-expect-error -- not known without a type of the events
  connectSse('/events').on('paid', ({ id }) => id);
}

/** One type for the server and the client. */
type RoomEvents = EventsByRoom<{
  news: { headline: { text: string } };
  [chat: `chat/${string}`]: { said: { user: string; text: string }; closed: null };
  [match: `match/${number}`]: { said: { minute: number } };
}>;

export async function typedRooms(sse: SseService<RoomEvents>, room: string): Promise<void> {
  void sse.broadcast('chat/7', 'said', { user: 'ann', text: 'hi' });
  const live = connectSse<RoomEvents>('/events', {
    rooms: { url: '/rooms', headers: async () => ({ a: 'b' }), withCredentials: true },
  });
  const chat = live.room('chat/7');
  chat.on('said', ({ user }, { name, data }) => [user.trim(), name === 'said', data.text]);
  chat.on('sse:join', ({ user, info }) => [user, info]);
  await chat.joined;
  chat.leave();
  live.room('match/3').on('said', ({ minute }) => minute.toFixed());
  live.room('news').on('headline', ({ text }) => text);
  live.on('headline', ({ text }) => text);
  live.on('said', (said) => ('minute' in said ? said.minute.toFixed() : said.text));
  const order = connectSse<ShopEvents>('/events', { rooms: { url: '/rooms' } }).room(room);
  order.on('paid', ({ id }) => id.toFixed());
  connectSse('/events', {
    rooms: ({ session, join, leave }) => ({
      refused: [{ room: join[0] ?? leave[0] ?? '', status: 403, message: session }],
    }),
  });

  // @ts-expect-error -- no such event
  void sse.broadcast('chat/7', 'sad', { user: 'ann', text: 'hi' });
  // @ts-expect-error -- not its data
  void sse.broadcast('chat/7', 'said', { user: 'ann' });
  // @ts-expect-error -- no such room
  live.room('chats/7');
  // @ts-expect-error -- no such room
  live.room(room);
  // @ts-expect-error -- no number
  live.room('match/first');
  // @ts-expect-error -- an event of another room
  chat.on('headline', () => {});
  // @ts-expect-error -- no such field
  chat.on('said', ({ txt }) => txt);
  // @ts-expect-error -- data of another room
  chat.on('said', ({ minute }) => minute);
  // @ts-expect-error -- no event of a room
  chat.on('sse:ready', () => {});
  // @ts-expect-error -- no such event
  live.on('sad', () => {});
  // @ts-expect-error -- no such event
  order.on('payed', () => {});
  // @ts-expect-error -- no such option
  connectSse('/events', { rooms: { uri: '/rooms' } });
}
