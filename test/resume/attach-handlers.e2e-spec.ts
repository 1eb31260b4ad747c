import type { SseModuleOptions } from 'nestjs-simple-sse';
import { eventually } from '../support/within.js';
import {
  expectExactly,
  gapsOf,
  receivedUntil,
  pauseHandler,
  shiftedId,
  readyOf,
  TestController,
  startTestApp,
  textsOf,
  listenFrom,
} from './test-app.js';
import { positionOf } from '../support/wire-ids.js';
import { STEPS, PausableBroker } from './pausable-broker.js';
import type { RunningApp } from '../support/running-app.js';

const PADDING = 'x'.repeat(1_024);
const MANY = Array.from({ length: 200 }, (_, n) => `during ${n}`);

describe('an event published while the route handler runs', () => {
  let broker: PausableBroker;
  let running: RunningApp;

  const publish = async (room: string, text: string): Promise<string> =>
    (await running.sse.broadcast(room, text)) as string;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    broker = new PausableBroker();
    running = await startTestApp({ broker, ...options });
  }

  afterEach(() => running.close());

  it('is delivered to a new stream after sse:ready', async () => {
    await start();
    await publish('a', 'before');
    const { reached, release } = pauseHandler(running);
    const listening = listenFrom(running, '/slow?rooms=a');
    await reached;
    const during = await publish('a', 'during');
    release();
    const stream = await listening;
    await publish('a', 'live');
    const received = await receivedUntil(stream, 'live');
    expectExactly(received, ['during', 'live']);
    expect(positionOf(readyOf(received).id)).toBeLessThan(positionOf(during));
  });

  it('is delivered to a resumed stream after the missed events', async () => {
    await start();
    const from = await publish('a', 'known');
    await publish('a', 'missed');
    const { reached, release } = pauseHandler(running);
    const listening = listenFrom(running, '/slow?rooms=a', from);
    await reached;
    await publish('a', 'during');
    release();
    const stream = await listening;
    await publish('a', 'live');
    expectExactly(await receivedUntil(stream, 'live'), ['missed', 'during', 'live']);
  });

  it('is delivered to a new stream where events exceed the limit of the gate', async () => {
    await start({ maxQueuedBytes: 65_536 });
    const { reached, release } = pauseHandler(running);
    const listening = listenFrom(running, '/slow?rooms=a');
    await reached;
    for (const text of MANY) await publish('a', `${text} ${PADDING}`);
    release();
    const stream = await listening;
    await publish('a', 'live');
    expectExactly(await receivedUntil(stream, 'live'), [...MANY, 'live']);
  });

  it.each([
    ['garbage', () => 'garbage'],
    ['another epoch', (from: string) => from.replace(/\.\w+\./, '.00000000.')],
  ])(
    'is delivered to a stream with %s as its last event id where events exceed the limit of the gate',
    async (_, broken) => {
      await start({ maxQueuedBytes: 65_536 });
      const from = await publish('a', 'known');
      const { reached, release } = pauseHandler(running);
      const listening = listenFrom(running, '/slow?rooms=a', broken(from));
      await reached;
      for (const text of MANY) await publish('a', `${text} ${PADDING}`);
      release();
      const stream = await listening;
      await publish('a', 'live');
      const received = await receivedUntil(stream, 'live');
      // From the position that follows the gap on, nothing is missing.
      expect(gapsOf(received)).toHaveLength(1);
      expectExactly(received, [...MANY, 'live']);
    },
  );

  it('is delivered to a client that joins a room with replay where events exceed the limit of the gate', async () => {
    await start({ maxQueuedBytes: 65_536 });
    await publish('b', 'old 1');
    await publish('b', 'old 2');
    const stream = await listenFrom(running, '/in?rooms=a');
    const client = running.get(TestController).latest;
    const paused = broker.pauseAt('after read');
    const joining = client?.join('b', { replay: 5 });
    await paused.reached();
    for (const text of MANY) await publish('a', `${text} ${PADDING}`);
    await publish('b', 'in b');
    paused.release();
    expect(await joining).toBe(true);
    await publish('a', 'live');
    expectExactly(await receivedUntil(stream, 'live'), ['old 1', 'old 2', ...MANY, 'in b', 'live']);
  });

  it.each(STEPS)('%s of a later join with replay is delivered once, in both rooms', async (step) => {
    await start();
    await publish('b', 'old 1');
    await publish('b', 'old 2');
    const stream = await listenFrom(running, '/in?rooms=a');
    const client = running.get(TestController).latest;
    const paused = broker.pauseAt(step);
    const joining = client?.join('b', { replay: 100 });
    await paused.reached();
    await publish('a', 'in a');
    await publish('b', 'in b');
    paused.release();
    await joining;
    await publish('a', 'live');
    const received = await receivedUntil(stream, 'live');
    expect(textsOf(received).toSorted()).toEqual(['in a', 'in b', 'live', 'old 1', 'old 2']);
    expect(textsOf(received).filter((text) => text !== 'in a')).toEqual(['old 1', 'old 2', 'in b', 'live']);
  });

  it('is delivered to a stream that resumed from a future position, after a gap', async () => {
    await start();
    const now = await publish('a', 'known');
    const stream = await listenFrom(running, '/in?rooms=a', shiftedId(now, 30_000_000));
    await eventually(() => running.sse.count('a') === 1, 'the client');
    await publish('a', 'live');
    const received = await receivedUntil(stream, 'live');
    expect(gapsOf(received)).toEqual([{ rooms: ['*', 'a'], reason: 'invalid' }]);
  });
});
