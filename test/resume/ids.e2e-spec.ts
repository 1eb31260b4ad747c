import {
  expectExactly,
  gapsOf,
  receivedUntil,
  shiftedId,
  readyOf,
  TestController,
  startTestApp,
  textsOf,
  listenFrom,
} from './test-app.js';
import { positionOf } from '../support/wire-ids.js';
import type { EventStream, HeardEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

describe('ids and positions', () => {
  let running: RunningApp;

  const publish = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;

  /** Everything up to an event that is published now. */
  async function untilNow(stream: EventStream, room = 'a'): Promise<HeardEvent[]> {
    await publish(room, 'now');
    return receivedUntil(stream, 'now');
  }

  beforeEach(async () => {
    running = await startTestApp({});
  });
  afterEach(() => running.close());

  it('broadcast returns the id that the event carries on every stream', async () => {
    const streams = [await listenFrom(running, '/in?rooms=a'), await listenFrom(running, '/in?rooms=b,a')];
    const id = await publish('a', 'text');
    expect(id).toMatch(/^1\.[0-9a-f]{8}\.[0-9a-z]{10,11}$/);
    for (const stream of streams) expect(await stream.nextEvent()).toMatchObject({ data: 'text', id });
    expect(streams[0]?.rawText.split('\n\n')[1]).toBe(streams[1]?.rawText.split('\n\n')[1]);
  });

  it('an event in several rooms has one id, and each client hears it once, live and on resume', async () => {
    const from = await publish('a', 'known');
    const live = await listenFrom(running, '/in?rooms=b,a,c');
    const id = await publish(['a', 'b', 'c', 'a'], 'everywhere');
    const resumed = await listenFrom(running, '/in?rooms=c,b,a', from);
    await publish('a', 'now');
    for (const stream of [live, resumed]) {
      const received = await receivedUntil(stream, 'now');
      expectExactly(received, ['everywhere', 'now']);
      expect(received.find(({ data }) => data === 'everywhere')?.id).toBe(id);
    }
  });

  it('everyone is a room like others: what was said to everyone is missed and comes back', async () => {
    const from = await publish('a', 'known');
    await publish('*', 'to all');
    await publish(['*', 'a'], 'to all and a');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    expectExactly(await untilNow(stream), ['to all', 'to all and a', 'now']);
  });

  it('a retried publish with the same key is one event with one id', async () => {
    const stream = await listenFrom(running, '/in?rooms=a');
    const publish = (): Promise<string | undefined> =>
      running.sse.broadcast('a', 'paid', 7, { idempotencyKey: 'order 7' });
    const ids = [await publish(), await publish(), ...(await Promise.all([publish(), publish()]))];
    expect(new Set(ids)).toEqual(new Set([ids[0]]));
    expectExactly(await untilNow(stream), ['7', 'now']);
  });

  it('sse:ready of a fresh stream seeds the position: a cut before any event loses nothing', async () => {
    const stream = await listenFrom(running, '/in?rooms=a');
    const { id, resumed } = readyOf([await stream.nextEvent({ control: true })]);
    expect(resumed).toBe('none');
    stream.close();
    await publish('a', 'missed');
    const again = await listenFrom(running, '/in?rooms=a', id);
    const received = await untilNow(again);
    expectExactly(received, ['missed', 'now']);
    expect(readyOf(received)).toMatchObject({ resumed: 'full', id });
  });

  it('sse:ready of a resume names the position of the client itself and nothing newer', async () => {
    const from = await publish('a', 'known');
    await publish('a', 'missed');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    const first = await stream.nextEvent({ control: true });
    expect([first.event, first.id]).toEqual(['sse:ready', from]);
  });

  it('a resume that missed nothing moves the position by an id alone', async () => {
    const from = await publish('a', 'known');
    await publish('elsewhere', 'newer');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    await untilNow(stream);
    const ids = [...stream.rawText.matchAll(/^id: (.*)$/gm)].map(([, id]) => positionOf(id));
    expect(ids).toHaveLength(3);
    expect(ids[1]).toBeGreaterThan(positionOf(from));
    expect(stream.events.map(({ data }) => data)).toHaveLength(2);
  });

  it('position() is the state of now for a page that was rendered with it', async () => {
    await publish('a', 'part of the state');
    const position = await running.sse.position();
    await publish('a', 'after rendering');
    const stream = await listenFrom(running, `/in?rooms=a&lastEventId=${position}`);
    expectExactly(await untilNow(stream), ['after rendering', 'now']);
  });

  it('the header wins over ?lastEventId=', async () => {
    const first = await publish('a', 'one');
    const second = await publish('a', 'two');
    await publish('a', 'three');
    const byQuery = await listenFrom(running, `/in?rooms=a&lastEventId=${first}`);
    const byHeader = await listenFrom(running, `/in?rooms=a&lastEventId=${first}`, second);
    await publish('a', 'now');
    expectExactly(await receivedUntil(byQuery, 'now'), ['two', 'three', 'now']);
    expectExactly(await receivedUntil(byHeader, 'now'), ['three', 'now']);
  });

  it.each([
    ['garbage', () => 'garbage'],
    ['an id of another version', (id: string) => id.replace(/^1/, '2')],
    ['a vector of partitions', (id: string) => `${id.replace(/^1/, '2')}~${id}`],
    ['an id with a leading zero', (id: string) => id.replace(/\.(\w+)$/, '.0$1')],
    ['an id in upper case', (id: string) => id.toUpperCase()],
    ['an id that is too long', (id: string) => id + 'z'.repeat(200)],
    ['an id of 8 KB', (id: string) => id + 'z'.repeat(8_000)],
    ['a number beyond the safe ones', (id: string) => id.replace(/\w+$/, 'zzzzzzzzzzz')],
    ['a position of tomorrow', (id: string) => shiftedId(id, 86_400_000_000)],
    ['a position 61 seconds ahead', (id: string) => shiftedId(id, 61_000_000 + 1_000_000)],
    ["another library's id", () => '1700000000000-0'],
    ['a number', () => '42'],
    ['an id with a space', (id: string) => `${id} ${id}`],
  ])('%s is answered with 200 and one gap, and the stream goes on', async (_, broken) => {
    const good = await publish('a', 'known');
    await publish('a', 'missed');
    const stream = await listenFrom(running, '/in?rooms=b,a', broken(good));
    expect(stream.status).toBe(200);
    const received = await untilNow(stream);
    expect(readyOf(received)).toMatchObject({ resumed: 'none', id: undefined });
    expect(gapsOf(received)).toEqual([{ rooms: ['*', 'b', 'a'], reason: 'invalid' }]);
    expectExactly(received, ['now']);
    stream.close();
    await publish('b', 'missed now');
    const again = await listenFrom(running, '/in?rooms=b,a', received.at(-1)?.id);
    expectExactly(await untilNow(again), ['missed now', 'now']);
  });

  it('an empty Last-Event-ID is a fresh stream', async () => {
    await publish('a', 'known');
    const received = await untilNow(await listenFrom(running, '/in?rooms=a', ''));
    expect(gapsOf(received)).toEqual([]);
    expectExactly(received, ['now']);
  });

  it('what is for one client alone, and volatile events, carry no id and do not come back', async () => {
    const stream = await listenFrom(running, '/in?rooms=a');
    const from = await publish('a', 'known');
    expect(await running.sse.broadcast('a', 'cursor', 'volatile', { volatile: true })).toBeUndefined();
    running.get(TestController).latest?.send('for you');
    await publish('a', 'last');
    const received = await receivedUntil(stream, 'last');
    expect(received.filter(({ id }) => id === undefined).map(({ data }) => data)).toEqual([
      'volatile',
      'for you',
    ]);
    const again = await listenFrom(running, '/in?rooms=a', from);
    expect(textsOf(await untilNow(again))).toEqual(['last', 'now']);
  });

  it('an event in several rooms without history is received once too, whoever speaks between its copies', async () => {
    await running.close();
    running = await startTestApp({ history: false });
    for (const path of ['/in?rooms=a,b,c', '/joining?rooms=a,b,c']) {
      const stream = await listenFrom(running, path);
      const client = running.get(TestController).latest;
      const subscription = running.sse.stream('a').subscribe(() => client?.send('between'));
      await running.sse.broadcast(['a', 'b', 'c'], 'everywhere');
      await running.sse.broadcast(['a', 'c'], 'volatile', 'now', { volatile: true });
      subscription.unsubscribe();
      await running.sse.broadcast('a', 'end');
      const received = await receivedUntil(stream, 'end');
      expect(textsOf(received)).toEqual(['everywhere', 'between', 'now', 'between', 'end']);
      stream.close();
    }
  });
});
