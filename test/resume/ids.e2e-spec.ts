import {
  expectExactly,
  gapsOf,
  receivedUntil,
  receivedUntilNow,
  shiftedId,
  readyOf,
  TestController,
  startTestApp,
  textsOf,
  listenFrom,
} from './test-app.js';
import { positionOf } from '../support/wire-ids.js';
import type { RunningApp } from '../support/running-app.js';

describe('ids and positions', () => {
  let running: RunningApp;

  const publish = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;

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

  it('an event in several rooms has one id, and each client receives it once, live and on resume', async () => {
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

  it('an event to all clients is replayed as one in any room', async () => {
    const from = await publish('a', 'known');
    await publish('*', 'to all');
    await publish(['*', 'a'], 'to all and a');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    expectExactly(await receivedUntilNow(running, stream), ['to all', 'to all and a', 'now']);
  });

  it('a retried publish with the same idempotency key is one event with one id', async () => {
    const stream = await listenFrom(running, '/in?rooms=a');
    const retry = (): Promise<string | undefined> =>
      running.sse.broadcast('a', 'paid', 7, { idempotencyKey: 'order 7' });
    const ids = [await retry(), await retry(), ...(await Promise.all([retry(), retry()]))];
    expect(new Set(ids)).toEqual(new Set([ids[0]]));
    expectExactly(await receivedUntilNow(running, stream), ['7', 'now']);
  });

  it('sse:ready of a new stream carries a position, so that a cut before any event loses nothing', async () => {
    const stream = await listenFrom(running, '/in?rooms=a');
    const { id, resumed } = readyOf([await stream.nextEvent({ control: true })]);
    expect(resumed).toBe('none');
    stream.close();
    await publish('a', 'missed');
    const again = await listenFrom(running, '/in?rooms=a', id);
    const received = await receivedUntilNow(running, again);
    expectExactly(received, ['missed', 'now']);
    expect(readyOf(received)).toMatchObject({ resumed: 'full', id });
  });

  it('sse:ready of a resume carries the position of the client and nothing newer', async () => {
    const from = await publish('a', 'known');
    await publish('a', 'missed');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    const first = await stream.nextEvent({ control: true });
    expect([first.event, first.id]).toEqual(['sse:ready', from]);
  });

  it('a resume that missed nothing advances the position by a block with only an id', async () => {
    const from = await publish('a', 'known');
    await publish('elsewhere', 'newer');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    await receivedUntilNow(running, stream);
    const ids = [...stream.rawText.matchAll(/^id: (.*)$/gm)].map(([, id]) => positionOf(id));
    expect(ids).toHaveLength(3);
    expect(ids[1]).toBeGreaterThan(positionOf(from));
    expect(stream.events.map(({ data }) => data)).toHaveLength(2);
  });

  it('a client that starts from position() receives every event after that call', async () => {
    await publish('a', 'part of the state');
    const position = await running.sse.position();
    await publish('a', 'after rendering');
    const stream = await listenFrom(running, `/in?rooms=a&lastEventId=${position}`);
    expectExactly(await receivedUntilNow(running, stream), ['after rendering', 'now']);
  });

  it('the Last-Event-ID header takes precedence over ?lastEventId=', async () => {
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
    ['a position one day ahead', (id: string) => shiftedId(id, 86_400_000_000)],
    ['a position 61 seconds ahead', (id: string) => shiftedId(id, 61_000_000 + 1_000_000)],
    ["another library's id", () => '1700000000000-0'],
    ['a number', () => '42'],
    ['an id with a space', (id: string) => `${id} ${id}`],
  ])(
    '%s as the last event id is answered with 200 and one gap, and the stream goes on',
    async (_, broken) => {
      const good = await publish('a', 'known');
      await publish('a', 'missed');
      const stream = await listenFrom(running, '/in?rooms=b,a', broken(good));
      expect(stream.status).toBe(200);
      const received = await receivedUntilNow(running, stream);
      expect(readyOf(received)).toMatchObject({ resumed: 'none', id: undefined });
      expect(gapsOf(received)).toEqual([{ rooms: ['*', 'b', 'a'], reason: 'invalid' }]);
      expectExactly(received, ['now']);
      stream.close();
      await publish('b', 'missed now');
      const again = await listenFrom(running, '/in?rooms=b,a', received.at(-1)?.id);
      expectExactly(await receivedUntilNow(running, again), ['missed now', 'now']);
    },
  );

  it('an empty Last-Event-ID opens a new stream', async () => {
    await publish('a', 'known');
    const received = await receivedUntilNow(running, await listenFrom(running, '/in?rooms=a', ''));
    expect(gapsOf(received)).toEqual([]);
    expectExactly(received, ['now']);
  });

  it('events to a single client and volatile events carry no id and are not replayed', async () => {
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
    expect(textsOf(await receivedUntilNow(running, again))).toEqual(['last', 'now']);
  });

  it('an event in several rooms without history is delivered once, also with other events between its copies', async () => {
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
