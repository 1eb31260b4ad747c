import { firstValueFrom } from 'rxjs';
import type { BrokerListener, HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { platforms, express } from '../support/platforms.js';
import { eventually, pause, someTurns } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { adminApp, change, listener, next, OPERATOR } from './admin-app.js';
import type { RunningApp } from '../support/running-app.js';

interface Summary {
  node: string;
  streams: number;
  rooms: number;
  topRooms: [string, number][];
  activity: { opened: number; ended: Record<string, number> };
  broker: { state: string };
}

interface Report {
  user?: string;
  path: string;
  rooms: string[];
  roomCount: number;
  ended?: string;
}

interface Sent {
  events: { event?: string; id?: string; data: string; bytes: number }[];
  omitted: number;
}

const headers = OPERATOR;

/** Lists the rooms that are published to, and passes on states that a test makes up. */
class ObservedBroker extends WrappedMemoryBroker {
  readonly published: string[] = [];
  states: BrokerListener | undefined;

  override start(policy: HistoryPolicy, states: BrokerListener): Promise<void> {
    this.states = states;
    return super.start(policy, states);
  }

  override publish(...args: Parameters<SseBroker['publish']>): ReturnType<SseBroker['publish']> {
    this.published.push(...args[0]);
    return super.publish(...args);
  }
}

describe.each(platforms)('the operator’s page on $name', (platform) => {
  let app: RunningApp;

  beforeAll(async () => {
    app = await platform.start(adminApp());
  });
  afterEach(() => app.disconnectAll());
  afterAll(() => app?.close());

  it('receives the streams, the rooms by size, and what has opened and ended', async () => {
    const page = await app.listen('/sse-admin/events', { headers });
    const before = await next<Summary>(page, 'summary');
    const first = await listener(app, '?room=news,orders/1');
    await listener(app, '?room=news');
    const summary = await next<Summary>(page, 'summary', ({ streams }) => streams === 2);
    expect(summary).toMatchObject({ rooms: 2, broker: { state: 'live' } });
    expect(summary.topRooms).toEqual([
      ['news', 2],
      ['orders/1', 1],
    ]);
    expect(summary.activity.opened - before.activity.opened).toBe(2);
    await change(app, 'disconnect', { client: first.id });
    const after = await next<Summary>(page, 'summary', ({ streams }) => streams === 1);
    expect((after.activity.ended['disconnected'] ?? 0) - (before.activity.ended['disconnected'] ?? 0)).toBe(
      1,
    );
  });

  it('receives what one client receives: its user, its rooms, and that it has ended', async () => {
    const { id } = await listener(app, '?room=news,orders/1&user=ada');
    const page = await app.listen(`/sse-admin/events?client=${id}`, { headers });
    const report = await next<Report>(page, 'client');
    expect(report).toMatchObject({ user: 'ada', path: '/events', rooms: ['news', 'orders/1'], roomCount: 2 });
    await change(app, 'disconnect', { client: id });
    expect(await next<Report>(page, 'client', ({ ended }) => ended !== undefined)).toMatchObject({
      ended: 'disconnected',
    });
    expect(page.events.map(({ event }) => event)).not.toContain('summary');
  });

  it('receives each event that a client is sent, from its rooms and alone, only if it asks for them', async () => {
    const { id } = await listener(app, '?room=news');
    const silent = await app.listen(`/sse-admin/events?client=${id}`, { headers });
    const page = await app.listen(`/sse-admin/events?client=${id}&sent=true`, { headers });
    await next(page, 'client');
    const position = await app.sse.broadcast('news', 'headline', { n: 1 });
    await app.sse.send(id, 'private', 'two\nlines');
    await app.sse.broadcast('elsewhere', 'headline', { n: 2 });
    const { events, omitted } = await next<Sent>(page, 'sent');
    expect(events).toMatchObject([
      { event: 'headline', data: '{"n":1}', id: position },
      { event: 'private', data: 'two\nlines' },
    ]);
    expect(omitted).toBe(0);
    expect(silent.events.map(({ event }) => event)).not.toContain('sent');
  });

  it('receives a bounded part of many and of large events, and how many more there were', async () => {
    const { id, stream } = await listener(app, '?room=news');
    const page = await app.listen(`/sse-admin/events?client=${id}&sent=true`, { headers });
    await next(page, 'client');
    void app.sse.broadcast('news', 'headline', 'é'.repeat(5_000));
    for (let n = 0; n < 1_000; n++) void app.sse.broadcast('news', 'headline', n);
    const { events, omitted } = await next<Sent>(page, 'sent');
    expect(events.length + omitted).toBeLessThanOrEqual(1_001);
    expect(events.length).toBeLessThanOrEqual(40);
    expect(events[0]?.bytes).toBeGreaterThan(10_000);
    expect(events[0]?.data.length).toBeLessThanOrEqual(2_048);
    await eventually(() => stream.events.length > 1_000, 'the watched client receives all events');
  });

  it('receives the size of a room and some of its clients, also of a room that is empty', async () => {
    const { id } = await listener(app, '?room=orders/1&user=ada');
    const page = await app.listen('/sse-admin/events?room=orders%2F1', { headers });
    expect(await next(page, 'room')).toMatchObject({ room: 'orders/1', clients: 1, some: [[id, 'ada']] });
    const empty = await app.listen('/sse-admin/events?room=nobody', { headers });
    expect(await next(empty, 'room')).toMatchObject({ clients: 0, some: [] });
  });

  it('is served to 100 viewers of a node at a time: one more is answered with 503, until another has left', async () => {
    const viewers = await Promise.all(
      Array.from({ length: 100 }, () => app.listen('/sse-admin/events', { headers })),
    );
    expect((await app.open('/sse-admin/events', { headers })).status).toBe(503);
    viewers[0]?.close();
    await eventually(async () => {
      const one = await app.open('/sse-admin/events', { headers });
      one.close();
      return one.status === 200;
    }, 'room for one more');
  });

  it('sends a test event to one client, and to a room', async () => {
    const one = await listener(app, '?room=news');
    const other = await listener(app, '?room=news');
    const alone = await change(app, 'send', { client: one.id, event: 'test', data: '{"a":1}' });
    expect(await alone.json()).toEqual({ streams: 1 });
    expect(await one.stream.nextEvent()).toMatchObject({ event: 'test', data: '{"a":1}', id: undefined });
    const all = await change(app, 'send', { room: 'news', data: 'to all' });
    expect(await all.json()).toEqual({ streams: 2 });
    expect(await other.stream.nextEvent()).toMatchObject({ event: 'message', data: 'to all' });
  });

  it('is in no count, room or Observable of the application, and receives none of its events', async () => {
    const connected: string[] = [];
    const subscription = app.sse.connected$.subscribe(({ client }) => connected.push(client.id));
    const page = await app.listen('/sse-admin/events', { headers });
    await next(page, 'summary');
    expect([app.sse.count(), app.sse.clients().size, app.sse.rooms()]).toEqual([0, 0, []]);
    const { stream } = await listener(app);
    await app.sse.broadcast('*', 'news', 'to everybody');
    expect(await stream.nextEvent()).toMatchObject({ data: 'to everybody' });
    expect(connected).toHaveLength(1);
    await next(page, 'summary', ({ streams }: Summary) => streams === 1);
    expect(page.events.map(({ event }) => event)).not.toContain('news');
    expect(page.events.map(({ event }) => event)).not.toContain('sse:ready');
    subscription.unsubscribe();
  });
});

it('the streams of the page ask `identify` nothing, have no presence, and end with the application', async () => {
  const identified: unknown[] = [];
  const app = await express.start(
    adminApp(undefined, {
      identify: (client) => {
        identified.push(client.request);
        return { user: 'ada' };
      },
      rooms: { '*': { presence: true } },
    }),
  );
  const page = await app.listen('/sse-admin/events', { headers });
  await next(page, 'summary');
  expect(identified).toEqual([]);
  const left = firstValueFrom(app.sse.disconnected$, { defaultValue: 'nobody' });
  await app.shutDown();
  expect(await page.ended).toBe('whole');
  expect(page.events.at(-1)?.event).toBe('bye');
  expect(await left).toBe('nobody');
});

it('a node on which nobody looks publishes nothing, and a node whose broker is away shows its own figures', async () => {
  const broker = new ObservedBroker();
  const { published } = broker;
  const app = await express.start(adminApp(undefined, { broker }));
  await listener(app, '?room=news');
  await pause(100);
  expect(published).toEqual([]);
  const page = await app.listen('/sse-admin/events', { headers });
  await next(page, 'summary');
  // Its own viewers are answered within the process.
  expect(new Set(published)).toEqual(new Set(['*sse:admin-ask']));
  broker.states?.onStateChange('down');
  const { broker: shown } = await next<Summary>(page, 'summary', ({ broker: { state } }) => state === 'down');
  expect(shown.state).toBe('down');
  await app.close();
});

it('a client that is watched no more is delivered to as any other', async () => {
  const app = await express.start(adminApp());
  const { id, stream } = await listener(app, '?room=news');
  const [client] = app.sse.clients('news');
  const page = await app.listen(`/sse-admin/events?client=${id}&sent=true`, { headers });
  await next(page, 'client');
  expect(Object.hasOwn(client?.connection ?? {}, 'push')).toBe(true);
  page.close();
  await eventually(() => !Object.hasOwn(client?.connection ?? {}, 'push'), 'it is not watched');
  await app.sse.broadcast('news', 'headline', 1);
  expect(await stream.nextEvent()).toMatchObject({ event: 'headline' });
  await someTurns();
  await app.close();
});

it('a message that is none of the page’s is ignored', async () => {
  const app = await express.start(adminApp());
  const { hub } = app.sse.internals;
  const page = await app.listen('/sse-admin/events', { headers });
  await next(page, 'summary');
  const nonsense = ['', 'null', '[]', '7', '{"node":7}', '{"node":"a b"}', `{"node":"${'x'.repeat(99)}"}`];
  const interest = { node: 'other', overview: true, clients: [], sent: [], rooms: ['*sse:admin-tell'] };
  for (const text of [...nonsense, JSON.stringify(interest), JSON.stringify({ ...interest, rooms: 'all' })]) {
    hub.deliver('*sse:admin-ask', { event: undefined, data: text, serialized: false });
    hub.deliver('*sse:admin-tell', { event: 'summary', data: text, serialized: false });
    hub.deliver('*sse:admin-tell', { event: 'unheard of', data: text, serialized: false });
  }
  await next(page, 'summary');
  expect(app.logger.complaints).toEqual([]);
  expect(page.events.map(({ event }) => event)).not.toContain('unheard of');
  await app.close();
});
