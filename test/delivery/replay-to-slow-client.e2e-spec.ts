import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, someTurns } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { UnixSocketListener, socketFull } from './unix-socket-listener.js';
import { DeliveryController, streamPath } from './delivery.controller.js';

const LARGE = 'x'.repeat(50_000);

describe.each(platforms)(
  'a client that reads slowly while it is replayed missed events, on $name,',
  (platform) => {
    it('keeps the newest volatile event of each name in its queue, and stays connected', async () => {
      const metrics = new CountingMetrics();
      const running = await platform.start(
        sseApp({
          controllers: [DeliveryController],
          options: { heartbeatIntervalMs: false, maxQueuedBytes: 300_000, metrics },
        }),
      );
      const listener = await UnixSocketListener.open(running);
      const since = await running.sse.position();
      for (let n = 0; n < 40; n++) await running.sse.broadcast('lobby', 'missed', `${n} ${LARGE}`);
      const connection = listener.connectRaw();
      connection.reader.pause();
      const asked = connection.get(streamPath(['lobby']), [`Last-Event-ID: ${since}`]).answer();
      await eventually(() => running.sse.count() === 1, 'the client');
      await socketFull(listener.newest);
      for (let n = 0; n < 40; n++) {
        await running.sse.broadcast('lobby', 'state', `${n} ${LARGE}`, { volatile: true });
        await someTurns(1);
      }
      expect(metrics.closed).toEqual({});
      connection.reader.resume();
      const received = await asked;
      await running.sse.broadcast('lobby', 'end', '1');
      await eventually(() => received.body.includes('event: end'), 'the last event');
      const events = received.parsed().events.filter(({ event }) => event !== 'sse:ready');
      expect(events.map(({ event, data }) => `${event} ${parseInt(data, 10)}`)).toEqual([
        ...Array.from({ length: 40 }, (_, n) => `missed ${n}`),
        'state 39',
        'end 1',
      ]);
      received.close();
      await listener.close();
      await running.close();
    });
  },
);
