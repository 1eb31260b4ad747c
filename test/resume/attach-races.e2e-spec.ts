import {
  expectExactly,
  gapsOf,
  heardUntil,
  positionOf,
  readyOf,
  startDesk,
  textsOf,
  visitWith,
} from './resume-desk.js';
import { STEPS, SteppingBroker } from './stepping-broker.js';
import type { RunningApp } from '../support/running-app.js';

const KIB = 1_024;

describe('an event published during the attach', () => {
  let broker: SteppingBroker;
  let running: RunningApp;

  const say = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;
  const sayBig = (room: string, text: string): Promise<string> => say(room, `${text} ${'x'.repeat(KIB)}`);

  async function start(options: Parameters<typeof startDesk>[0] = {}): Promise<void> {
    broker = new SteppingBroker();
    running = await startDesk({ broker, ...options });
  }

  afterEach(() => running.close());

  describe.each(STEPS)('%s', (step) => {
    it('of a resume is delivered once and in order', async () => {
      await start();
      const from = await say('a', 'known');
      await say('a', 'missed 1');
      await say(['b', 'a'], 'missed 2');
      const held = broker.hold(step);
      const listening = visitWith(running, '/in?rooms=a,b', from);
      await held.reached();
      await say('a', 'during 1');
      await say(['a', 'b'], 'during 2');
      await say('b', 'during 3');
      held.goOn();
      const stream = await listening;
      await say('b', 'live');
      const heard = await heardUntil(stream, 'live');
      expectExactly(heard, ['missed 1', 'missed 2', 'during 1', 'during 2', 'during 3', 'live']);
      expect(readyOf(heard)).toMatchObject({ resumed: 'full', id: from });
      expect(gapsOf(heard)).toEqual([]);
    });

    it('of a resume in rooms that others hear already is delivered once and in order', async () => {
      await start();
      const other = await visitWith(running, '/in?rooms=a,b');
      const from = await say('a', 'known');
      await say('b', 'missed');
      // Its rooms are subscribed: the attach does not wait there.
      if (step.endsWith('subscribe')) return;
      const held = broker.hold(step);
      const listening = visitWith(running, '/in?rooms=a,b', from);
      await held.reached();
      await say(['a', 'b'], 'during');
      held.goOn();
      const stream = await listening;
      await say('b', 'live');
      expectExactly(await heardUntil(stream, 'live'), ['missed', 'during', 'live']);
      expectExactly(await heardUntil(other, 'live'), ['known', 'missed', 'during', 'live']);
    });

    it('of a resume, more than the gate may hold, is read again: once and in order', async () => {
      await start({ maxQueuedBytes: 128 * KIB });
      const from = await say('a', 'known');
      await say('a', 'missed');
      const held = broker.hold(step);
      const listening = visitWith(running, '/in?rooms=a', from);
      await held.reached();
      const during = Array.from({ length: 200 }, (_, n) => `during ${n}`);
      for (const text of during) await sayBig('a', text);
      held.goOn();
      const stream = await listening;
      await say('a', 'live');
      expectExactly(await heardUntil(stream, 'live'), ['missed', ...during, 'live']);
    });

    it('that fails loses nothing: the stream ends before anything newer, and the next one has it all', async () => {
      await start();
      const from = await say('a', 'known');
      await say('a', 'missed');
      const held = broker.hold(step);
      const listening = visitWith(running, '/in?rooms=a', from);
      await held.reached();
      await say('a', 'during');
      held.fail();
      const first = await listening;
      expect(textsOf(await first.eventsUntilEnd())).toEqual([]);
      expect(first.rawText).not.toContain('during');
      const again = await visitWith(running, '/in?rooms=a', from);
      await say('a', 'live');
      expectExactly(await heardUntil(again, 'live'), ['missed', 'during', 'live']);
    });

    it('and then the stream is closed by the application: nothing newer than the hole was sent', async () => {
      await start();
      const from = await say('a', 'known');
      await say('a', 'missed');
      const held = broker.hold(step);
      const stream = await visitWith(running, '/in?rooms=a', from);
      await held.reached();
      await say('a', 'during');
      for (const client of running.sse.clients()) client.close();
      expect(textsOf(await stream.eventsUntilEnd())).toEqual([]);
      held.goOn();
      const again = await visitWith(running, '/in?rooms=a', from);
      await say('a', 'live');
      expectExactly(await heardUntil(again, 'live'), ['missed', 'during', 'live']);
    });

    it('and then the application shuts down: nothing newer than the hole was sent', async () => {
      await start({ shutdownGraceMs: 100 });
      const from = await say('a', 'known');
      await say('a', 'missed');
      const held = broker.hold(step);
      const stream = await visitWith(running, '/in?rooms=a', from);
      await held.reached();
      await say('a', 'during');
      const closing = running.shutDown();
      expect(textsOf(await stream.eventsUntilEnd())).toEqual([]);
      held.goOn();
      await closing;
    });
  });

  it.each(['before subscribe', 'after subscribe'] as const)(
    '%s of a fresh stream comes after sse:ready and its position',
    async (step) => {
      await start();
      const held = broker.hold(step);
      const listening = visitWith(running, '/in?rooms=a');
      await held.reached();
      await say('a', 'during 1');
      await say('a', 'during 2');
      held.goOn();
      const stream = await listening;
      const late = await say('a', 'live');
      const heard = await heardUntil(stream, 'live');
      const { id } = readyOf(heard);
      expect(positionOf(id)).toBeLessThan(positionOf(late));
      // Whatever is newer than the announced position was delivered.
      const page = await broker.read(['a'], positionOf(id));
      expectExactly(
        heard,
        page.messages.map(({ data }) => data),
      );
    },
  );
});
