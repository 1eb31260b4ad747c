import {
  expectExactly,
  gapsOf,
  heardUntil,
  moved,
  positionOf,
  readyOf,
  ResumeDesk,
  startDesk,
  textsOf,
  visitWith,
} from './resume-desk.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

describe('ids and positions', () => {
  let running: RunningApp;

  const say = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;

  /** Everything up to an event that is published now. */
  async function untilNow(stream: EventStream, room = 'a'): Promise<ReceivedEvent[]> {
    await say(room, 'now');
    return heardUntil(stream, 'now');
  }

  beforeEach(async () => {
    running = await startDesk({});
  });
  afterEach(() => running.close());

  it('broadcast returns the id that the event carries on every stream', async () => {
    const streams = [await visitWith(running, '/in?rooms=a'), await visitWith(running, '/in?rooms=b,a')];
    const id = await say('a', 'text');
    expect(id).toMatch(/^1\.[0-9a-f]{8}\.[0-9a-z]{10,11}$/);
    for (const stream of streams) expect(await stream.nextEvent()).toMatchObject({ data: 'text', id });
    expect(streams[0]?.rawText.split('\n\n')[1]).toBe(streams[1]?.rawText.split('\n\n')[1]);
  });

  it('an event in several rooms has one id, and each client hears it once, live and on resume', async () => {
    const from = await say('a', 'known');
    const live = await visitWith(running, '/in?rooms=b,a,c');
    const id = await say(['a', 'b', 'c', 'a'], 'everywhere');
    const resumed = await visitWith(running, '/in?rooms=c,b,a', from);
    await say('a', 'now');
    for (const stream of [live, resumed]) {
      const heard = await heardUntil(stream, 'now');
      expectExactly(heard, ['everywhere', 'now']);
      expect(heard.find(({ data }) => data === 'everywhere')?.id).toBe(id);
    }
  });

  it('everyone is a room like others: what was said to everyone is missed and comes back', async () => {
    const from = await say('a', 'known');
    await say('*', 'to all');
    await say(['*', 'a'], 'to all and a');
    const stream = await visitWith(running, '/in?rooms=a', from);
    expectExactly(await untilNow(stream), ['to all', 'to all and a', 'now']);
  });

  it('a retried publish with the same key is one event with one id', async () => {
    const stream = await visitWith(running, '/in?rooms=a');
    const publish = (): Promise<string | undefined> =>
      running.sse.broadcast('a', 'paid', 7, { idempotencyKey: 'order 7' });
    const ids = [await publish(), await publish(), ...(await Promise.all([publish(), publish()]))];
    expect(new Set(ids)).toEqual(new Set([ids[0]]));
    expectExactly(await untilNow(stream), ['7', 'now']);
  });

  it('sse:ready of a fresh stream seeds the position: a cut before any event loses nothing', async () => {
    const stream = await visitWith(running, '/in?rooms=a');
    const { id, resumed } = readyOf([await stream.nextEvent({ control: true })]);
    expect(resumed).toBe('none');
    stream.close();
    await say('a', 'missed');
    const again = await visitWith(running, '/in?rooms=a', id);
    const heard = await untilNow(again);
    expectExactly(heard, ['missed', 'now']);
    expect(readyOf(heard)).toMatchObject({ resumed: 'full', id });
  });

  it('sse:ready of a resume names the position of the client itself and nothing newer', async () => {
    const from = await say('a', 'known');
    await say('a', 'missed');
    const stream = await visitWith(running, '/in?rooms=a', from);
    const first = await stream.nextEvent({ control: true });
    expect([first.event, first.id]).toEqual(['sse:ready', from]);
  });

  it('a resume that missed nothing moves the position by an id alone', async () => {
    const from = await say('a', 'known');
    await say('elsewhere', 'newer');
    const stream = await visitWith(running, '/in?rooms=a', from);
    await untilNow(stream);
    const ids = [...stream.rawText.matchAll(/^id: (.*)$/gm)].map(([, id]) => positionOf(id));
    expect(ids).toHaveLength(3);
    expect(ids[1]).toBeGreaterThan(positionOf(from));
    expect(stream.events.map(({ data }) => data)).toHaveLength(2);
  });

  it('position() is the state of now for a page that was rendered with it', async () => {
    await say('a', 'part of the state');
    const position = await running.sse.position();
    await say('a', 'after rendering');
    const stream = await visitWith(running, `/in?rooms=a&lastEventId=${position}`);
    expectExactly(await untilNow(stream), ['after rendering', 'now']);
  });

  it('the header wins over ?lastEventId=', async () => {
    const first = await say('a', 'one');
    const second = await say('a', 'two');
    await say('a', 'three');
    const byQuery = await visitWith(running, `/in?rooms=a&lastEventId=${first}`);
    const byHeader = await visitWith(running, `/in?rooms=a&lastEventId=${first}`, second);
    await say('a', 'now');
    expectExactly(await heardUntil(byQuery, 'now'), ['two', 'three', 'now']);
    expectExactly(await heardUntil(byHeader, 'now'), ['three', 'now']);
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
    ['a position of tomorrow', (id: string) => moved(id, 86_400_000_000)],
    ['a position 61 seconds ahead', (id: string) => moved(id, 61_000_000 + 1_000_000)],
    ["another library's id", () => '1700000000000-0'],
    ['a number', () => '42'],
    ['an id with a space', (id: string) => `${id} ${id}`],
  ])('%s is answered with 200 and one gap, and the stream goes on', async (_, broken) => {
    const good = await say('a', 'known');
    await say('a', 'missed');
    const stream = await visitWith(running, '/in?rooms=b,a', broken(good));
    expect(stream.status).toBe(200);
    const heard = await untilNow(stream);
    expect(readyOf(heard)).toMatchObject({ resumed: 'none', id: undefined });
    expect(gapsOf(heard)).toEqual([{ rooms: ['*', 'b', 'a'], reason: 'invalid' }]);
    expectExactly(heard, ['now']);
    stream.close();
    await say('b', 'missed now');
    const again = await visitWith(running, '/in?rooms=b,a', heard.at(-1)?.id);
    expectExactly(await untilNow(again), ['missed now', 'now']);
  });

  it('an empty Last-Event-ID is a fresh stream', async () => {
    await say('a', 'known');
    const heard = await untilNow(await visitWith(running, '/in?rooms=a', ''));
    expect(gapsOf(heard)).toEqual([]);
    expectExactly(heard, ['now']);
  });

  it('what is for one client alone, and volatile events, carry no id and do not come back', async () => {
    const stream = await visitWith(running, '/in?rooms=a');
    const from = await say('a', 'known');
    expect(await running.sse.broadcast('a', 'cursor', 'volatile', { volatile: true })).toBeUndefined();
    running.get(ResumeDesk).latest?.send('for you');
    await say('a', 'last');
    const heard = await heardUntil(stream, 'last');
    expect(heard.filter(({ id }) => id === undefined).map(({ data }) => data)).toEqual([
      'volatile',
      'for you',
    ]);
    const again = await visitWith(running, '/in?rooms=a', from);
    expect(textsOf(await untilNow(again))).toEqual(['last', 'now']);
  });

  it('an event in several rooms without history is heard once too, whoever speaks between its copies', async () => {
    await running.close();
    running = await startDesk({ history: false });
    for (const path of ['/in?rooms=a,b,c', '/joining?rooms=a,b,c']) {
      const stream = await visitWith(running, path);
      const client = running.get(ResumeDesk).latest;
      const subscription = running.sse.stream('a').subscribe(() => client?.send('between'));
      await running.sse.broadcast(['a', 'b', 'c'], 'everywhere');
      await running.sse.broadcast(['a', 'c'], 'volatile', 'now', { volatile: true });
      subscription.unsubscribe();
      await running.sse.broadcast('a', 'end');
      const heard = await heardUntil(stream, 'end');
      expect(textsOf(heard)).toEqual(['everywhere', 'between', 'now', 'between', 'end']);
      stream.close();
    }
  });
});
