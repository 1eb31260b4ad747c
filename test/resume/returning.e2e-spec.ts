import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import { eventually, pause } from '../support/within.js';
import {
  expectExactly,
  gapsOf,
  receivedUntil,
  receivedUntilNow,
  TestController,
  startTestApp,
  textsOf,
  listenFrom,
} from './test-app.js';
import { EventSourceReader } from '../oracle/event-source-reader.js';
import type { RunningApp } from '../support/running-app.js';

const CHUNK = 'x'.repeat(64 * 1_024);

describe('a client that reconnects', () => {
  let running: RunningApp;
  let reasons: CloseReason[];

  const publish = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await startTestApp(options);
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  }

  afterEach(() => running.close());

  it('receives exactly the remaining events after a cut at any byte of a resume', async () => {
    await start({ historyMaxEvents: 4 });
    const from = await publish('a', 'known');
    for (const text of ['one', 'two', 'three', 'four']) await publish('a', text);
    for (let n = 0; n < 6; n++) await publish('b', `b${n}`);
    const whole = await listenFrom(running, '/in?rooms=a,b', from);
    await receivedUntil(whole, 'b5');
    const bytes = Buffer.from(whole.rawText);
    const expected = ['one', 'two', 'three', 'four', 'b2', 'b3', 'b4', 'b5'];
    for (let cut = 0; cut <= bytes.length; cut++) {
      const before: { type: string; data: string }[] = [];
      const reader = new EventSourceReader(from, (event) => before.push(event));
      reader.feed(bytes.subarray(0, cut));
      const rest = await listenFrom(running, '/in?rooms=a,b', reader.lastEventId);
      await running.sse.broadcast('*', 'end', '', { volatile: true });
      const after = await receivedUntil(rest, '');
      rest.close();
      const texts = before.filter(({ type }) => type === 'message').map(({ data }) => data);
      texts.push(...after.filter(({ event }) => event === 'message').map(({ data }) => data));
      expect([cut, texts]).toEqual([cut, expected]);
      // The gap is received on this connection or on the one before.
      const hasGap = gapsOf(after).length > 0 || before.some(({ type }) => type === 'sse:gap');
      expect([cut, hasGap]).toEqual([cut, true]);
    }
  });

  it('receives nothing from a room that it may no longer join', async () => {
    await start();
    const controller = running.get(TestController);
    controller.allowed = undefined;
    const stream = await listenFrom(running, '/joining?rooms=open,secret');
    const from = await publish(['open', 'secret'], 'known');
    await receivedUntil(stream, 'known');
    stream.close();
    await publish('secret', 'secret 1');
    await publish('open', 'open 1');
    await publish('secret', 'secret 2');
    controller.allowed = (room) => room !== 'secret';
    const again = await listenFrom(running, '/joining?rooms=open,secret', from);
    await publish('secret', 'secret 3');
    const received = await receivedUntilNow(running, again, 'open');
    expectExactly(received, ['open 1', 'now']);
    expect(again.rawText).not.toContain('secret');
  });

  it('receives the missed events of rooms that its handler joins, also of rooms that are new to it', async () => {
    await start();
    const from = await publish('x', 'known');
    await publish('y', 'y1');
    await publish('x', 'x1');
    const stream = await listenFrom(running, '/joining?rooms=x,y', from);
    expectExactly(await receivedUntilNow(running, stream, 'y'), ['y1', 'x1', 'now']);
  });

  it('receives the newest events without an id when it joins a room with replay', async () => {
    await start();
    for (let n = 0; n < 5; n++) await publish('chat', `chat ${n}`);
    const stream = await listenFrom(running, '/in?rooms=a');
    const client = running.get(TestController).latest;
    expect(await client?.join('chat', { replay: 3 })).toBe(true);
    expect(await client?.join('chat', { replay: 3 })).toBe(false);
    const received = await receivedUntilNow(running, stream, 'chat');
    expect(textsOf(received)).toEqual(['chat 2', 'chat 3', 'chat 4', 'now']);
    expect(received.filter(({ id }) => id !== undefined)).toHaveLength(2);
    const from = received.at(-1)?.id;
    stream.close();
    await publish('chat', 'missed');
    const again = await listenFrom(running, '/in?rooms=a,chat', from);
    expectExactly(await receivedUntilNow(running, again, 'chat'), ['missed', 'now']);
  });

  it('receives every event once and in order after it was closed as a slow consumer', async () => {
    await start({ maxQueuedBytes: 256 * 1_024, historyMaxEvents: 1_000, historyMaxBytes: 2 ** 30 });
    const stream = await listenFrom(running, '/in?rooms=a');
    await receivedUntilNow(running, stream);
    stream.pause();
    let count = 0;
    while (reasons.length === 0 && count < 900) await publish('a', `${count++} ${CHUNK}`);
    expect(reasons).toEqual(['slow-consumer']);
    for (let n = 0; n < 5; n++) await publish('a', `${count++} ${CHUNK}`);
    stream.resume();
    await stream.ended;
    const first = stream.events.filter(({ event, data }) => event === 'message' && data !== 'now');
    const last = stream.events.findLast(({ id }) => id !== undefined)?.id;
    const again = await listenFrom(running, '/in?rooms=a', last);
    const rest = await receivedUntilNow(running, again);
    const numbers = [...first, ...rest]
      .filter(({ event }) => event === 'message')
      .map(({ data }) => parseInt(data, 10));
    expect(numbers.slice(0, -1)).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(gapsOf(rest)).toEqual([]);
  }, 60_000);

  it.each([1_024, 16_384, 65_536, 100_000])(
    'is not closed as a slow consumer during a replay larger than its queue of %i bytes',
    async (maxQueuedBytes) => {
      await start({ maxQueuedBytes, historyMaxEvents: 1_000, historyMaxBytes: 2 ** 30 });
      const from = await publish('a', 'known');
      for (let n = 0; n < 150; n++) await publish('a', `${n} ${CHUNK}`);
      for (let n = 150; n < 600; n++) await publish('a', `${n} ${CHUNK.slice(0, 2_000)}`);
      const stream = await listenFrom(running, '/in?rooms=a', from);
      stream.pause();
      await pause(50);
      // The client does not read meanwhile; the events exceed the limit of the gate.
      for (let n = 600; n < 660; n++) await publish('a', `${n} ${CHUNK.slice(0, 4_000)}`);
      for (let round = 0; round < 5; round++) {
        stream.resume();
        await pause(1);
        stream.pause();
        await pause(10);
      }
      stream.resume();
      const received = await receivedUntil(stream, '659 ' + CHUNK.slice(0, 4_000));
      expect(
        received.filter(({ event }) => event === 'message').map(({ data }) => parseInt(data, 10)),
      ).toEqual(Array.from({ length: 660 }, (_, n) => n));
      expect(reasons).toEqual([]);
    },
    30_000,
  );

  it('resumes without sse:ready where readyEvent is false', async () => {
    await start({ readyEvent: false });
    const from = await publish('a', 'known');
    await publish('a', 'missed');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    const received = await receivedUntilNow(running, stream);
    expect(received.map(({ event }) => event)).toEqual(['message', 'message']);
    expectExactly(received, ['missed', 'now']);
  });

  it('receives every missed event on both of two simultaneous streams', async () => {
    await start();
    const from = await publish('a', 'known');
    await publish('a', 'missed');
    const both = await Promise.all([1, 2].map(() => listenFrom(running, '/in?rooms=a', from)));
    await eventually(() => running.sse.count('a') === 2, 'both');
    await publish('a', 'now');
    for (const stream of both) expectExactly(await receivedUntil(stream, 'now'), ['missed', 'now']);
  });
});
