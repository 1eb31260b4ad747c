import {
  expectExactly,
  gapsOf,
  receivedUntil,
  readyOf,
  startTestApp,
  textsOf,
  listenFrom,
} from './test-app.js';
import { positionOf } from '../support/wire-ids.js';
import { STEPS, PausableBroker } from './pausable-broker.js';
import type { RunningApp } from '../support/running-app.js';

const KIB = 1_024;

describe('an event published during an attach', () => {
  let broker: PausableBroker;
  let running: RunningApp;

  const publish = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;
  const publishBig = (room: string, text: string): Promise<string> =>
    publish(room, `${text} ${'x'.repeat(KIB)}`);

  async function start(options: Parameters<typeof startTestApp>[0] = {}): Promise<void> {
    broker = new PausableBroker();
    running = await startTestApp({ broker, ...options });
  }

  afterEach(() => running.close());

  describe.each(STEPS)('%s', (step) => {
    it('of a resume is delivered once and in order', async () => {
      await start();
      const from = await publish('a', 'known');
      await publish('a', 'missed 1');
      await publish(['b', 'a'], 'missed 2');
      const paused = broker.pauseAt(step);
      const listening = listenFrom(running, '/in?rooms=a,b', from);
      await paused.reached();
      await publish('a', 'during 1');
      await publish(['a', 'b'], 'during 2');
      await publish('b', 'during 3');
      paused.release();
      const stream = await listening;
      await publish('b', 'live');
      const received = await receivedUntil(stream, 'live');
      expectExactly(received, ['missed 1', 'missed 2', 'during 1', 'during 2', 'during 3', 'live']);
      expect(readyOf(received)).toMatchObject({ resumed: 'full', id: from });
      expect(gapsOf(received)).toEqual([]);
    });

    it('of a resume in rooms with other clients is delivered once and in order', async () => {
      await start();
      const other = await listenFrom(running, '/in?rooms=a,b');
      const from = await publish('a', 'known');
      await publish('b', 'missed');
      // Its rooms are subscribed: the attach does not wait there.
      if (step.endsWith('subscribe')) return;
      const paused = broker.pauseAt(step);
      const listening = listenFrom(running, '/in?rooms=a,b', from);
      await paused.reached();
      await publish(['a', 'b'], 'during');
      paused.release();
      const stream = await listening;
      await publish('b', 'live');
      expectExactly(await receivedUntil(stream, 'live'), ['missed', 'during', 'live']);
      expectExactly(await receivedUntil(other, 'live'), ['known', 'missed', 'during', 'live']);
    });

    it('of a resume is delivered once and in order where events exceed the limit of the gate', async () => {
      await start({ maxQueuedBytes: 128 * KIB });
      const from = await publish('a', 'known');
      await publish('a', 'missed');
      const paused = broker.pauseAt(step);
      const listening = listenFrom(running, '/in?rooms=a', from);
      await paused.reached();
      const during = Array.from({ length: 200 }, (_, n) => `during ${n}`);
      for (const text of during) await publishBig('a', text);
      paused.release();
      const stream = await listening;
      await publish('a', 'live');
      expectExactly(await receivedUntil(stream, 'live'), ['missed', ...during, 'live']);
    });

    it('that fails is not sent, and the next resume delivers it once and in order', async () => {
      await start();
      const from = await publish('a', 'known');
      await publish('a', 'missed');
      const paused = broker.pauseAt(step);
      const listening = listenFrom(running, '/in?rooms=a', from);
      await paused.reached();
      await publish('a', 'during');
      paused.fail();
      const first = await listening;
      expect(textsOf(await first.eventsUntilEnd())).toEqual([]);
      expect(first.rawText).not.toContain('during');
      const again = await listenFrom(running, '/in?rooms=a', from);
      await publish('a', 'live');
      expectExactly(await receivedUntil(again, 'live'), ['missed', 'during', 'live']);
    });

    it('that the application ends by closing the stream is not sent before the missed events', async () => {
      await start();
      const from = await publish('a', 'known');
      await publish('a', 'missed');
      const paused = broker.pauseAt(step);
      const stream = await listenFrom(running, '/in?rooms=a', from);
      await paused.reached();
      await publish('a', 'during');
      for (const client of running.sse.clients()) client.close();
      expect(textsOf(await stream.eventsUntilEnd())).toEqual([]);
      paused.release();
      const again = await listenFrom(running, '/in?rooms=a', from);
      await publish('a', 'live');
      expectExactly(await receivedUntil(again, 'live'), ['missed', 'during', 'live']);
    });

    it('that the application ends by shutting down is not sent before the missed events', async () => {
      await start({ shutdownGraceMs: 100 });
      const from = await publish('a', 'known');
      await publish('a', 'missed');
      const paused = broker.pauseAt(step);
      const stream = await listenFrom(running, '/in?rooms=a', from);
      await paused.reached();
      await publish('a', 'during');
      const closing = running.shutDown();
      expect(textsOf(await stream.eventsUntilEnd())).toEqual([]);
      paused.release();
      await closing;
    });
  });

  it.each(['before subscribe', 'after subscribe'] as const)(
    '%s of a new stream is delivered after sse:ready and its position',
    async (step) => {
      await start();
      const paused = broker.pauseAt(step);
      const listening = listenFrom(running, '/in?rooms=a');
      await paused.reached();
      await publish('a', 'during 1');
      await publish('a', 'during 2');
      paused.release();
      const stream = await listening;
      const late = await publish('a', 'live');
      const received = await receivedUntil(stream, 'live');
      const { id } = readyOf(received);
      expect(positionOf(id)).toBeLessThan(positionOf(late));
      // Every event newer than the announced position was delivered.
      const page = await broker.read(['a'], positionOf(id));
      expectExactly(
        received,
        page.messages.map(({ data }) => data),
      );
    },
  );
});
