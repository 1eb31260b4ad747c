import type { SseModuleOptions } from 'nestjs-simple-sse';
import { eventually } from '../support/within.js';
import {
  expectExactly,
  gapsOf,
  heardUntil,
  holdHandler,
  moved,
  positionOf,
  readyOf,
  ResumeDesk,
  startDesk,
  textsOf,
  visitWith,
} from './resume-desk.js';
import { STEPS, SteppingBroker } from './stepping-broker.js';
import type { RunningApp } from '../support/running-app.js';

const PADDING = 'x'.repeat(1_024);
const MANY = Array.from({ length: 200 }, (_, n) => `during ${n}`);

describe('an event published while the handler works', () => {
  let broker: SteppingBroker;
  let running: RunningApp;

  const say = async (room: string, text: string): Promise<string> =>
    (await running.sse.broadcast(room, text)) as string;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    broker = new SteppingBroker();
    running = await startDesk({ broker, ...options });
  }

  afterEach(() => running.close());

  it('reaches a fresh stream after sse:ready', async () => {
    await start();
    await say('a', 'before');
    const { reached, goOn } = holdHandler(running);
    const listening = visitWith(running, '/slow?rooms=a');
    await reached;
    const during = await say('a', 'during');
    goOn();
    const stream = await listening;
    await say('a', 'live');
    const heard = await heardUntil(stream, 'live');
    expectExactly(heard, ['during', 'live']);
    expect(positionOf(readyOf(heard).id)).toBeLessThan(positionOf(during));
  });

  it('reaches a resumed stream after what it missed', async () => {
    await start();
    const from = await say('a', 'known');
    await say('a', 'missed');
    const { reached, goOn } = holdHandler(running);
    const listening = visitWith(running, '/slow?rooms=a', from);
    await reached;
    await say('a', 'during');
    goOn();
    const stream = await listening;
    await say('a', 'live');
    expectExactly(await heardUntil(stream, 'live'), ['missed', 'during', 'live']);
  });

  it('reaches a fresh stream also where it is more than the gate may hold', async () => {
    await start({ maxQueuedBytes: 65_536 });
    const { reached, goOn } = holdHandler(running);
    const listening = visitWith(running, '/slow?rooms=a');
    await reached;
    for (const text of MANY) await say('a', `${text} ${PADDING}`);
    goOn();
    const stream = await listening;
    await say('a', 'live');
    expectExactly(await heardUntil(stream, 'live'), [...MANY, 'live']);
  });

  it.each([
    ['garbage', () => 'garbage'],
    ['another epoch', (from: string) => from.replace(/\.\w+\./, '.00000000.')],
  ])(
    'reaches a stream that came with %s, also where it is more than the gate may hold',
    async (_, broken) => {
      await start({ maxQueuedBytes: 65_536 });
      const from = await say('a', 'known');
      const { reached, goOn } = holdHandler(running);
      const listening = visitWith(running, '/slow?rooms=a', broken(from));
      await reached;
      for (const text of MANY) await say('a', `${text} ${PADDING}`);
      goOn();
      const stream = await listening;
      await say('a', 'live');
      const heard = await heardUntil(stream, 'live');
      // From the position that follows the gap on, nothing is missing.
      expect(gapsOf(heard)).toHaveLength(1);
      expectExactly(heard, [...MANY, 'live']);
    },
  );

  it('reaches a client that joins a room with its history, also where it is more than the gate may hold', async () => {
    await start({ maxQueuedBytes: 65_536 });
    await say('b', 'old 1');
    await say('b', 'old 2');
    const stream = await visitWith(running, '/in?rooms=a');
    const client = running.get(ResumeDesk).latest;
    const held = broker.hold('after read');
    const joining = client?.join('b', { replay: 5 });
    await held.reached();
    for (const text of MANY) await say('a', `${text} ${PADDING}`);
    await say('b', 'in b');
    held.goOn();
    expect(await joining).toBe(true);
    await say('a', 'live');
    expectExactly(await heardUntil(stream, 'live'), ['old 1', 'old 2', ...MANY, 'in b', 'live']);
  });

  it.each(STEPS)('%s of a run-time join with history is delivered once, in both rooms', async (step) => {
    await start();
    await say('b', 'old 1');
    await say('b', 'old 2');
    const stream = await visitWith(running, '/in?rooms=a');
    const client = running.get(ResumeDesk).latest;
    const held = broker.hold(step);
    const joining = client?.join('b', { replay: 100 });
    await held.reached();
    await say('a', 'in a');
    await say('b', 'in b');
    held.goOn();
    await joining;
    await say('a', 'live');
    const heard = await heardUntil(stream, 'live');
    expect(textsOf(heard).toSorted()).toEqual(['in a', 'in b', 'live', 'old 1', 'old 2']);
    expect(textsOf(heard).filter((text) => text !== 'in a')).toEqual(['old 1', 'old 2', 'in b', 'live']);
  });

  it('a position of the near future neither silences the stream nor goes unannounced', async () => {
    await start();
    const now = await say('a', 'known');
    const stream = await visitWith(running, '/in?rooms=a', moved(now, 30_000_000));
    await eventually(() => running.sse.count('a') === 1, 'the client');
    await say('a', 'live');
    const heard = await heardUntil(stream, 'live');
    expect(gapsOf(heard)).toEqual([{ rooms: ['*', 'a'], reason: 'invalid' }]);
  });
});
