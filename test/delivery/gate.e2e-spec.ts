import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, someTurns } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { Door, full } from './door.js';
import { HallController } from './hall.controller.js';
import { hallPath } from './ways.js';

const LARGE = 'x'.repeat(50_000);

describe.each(platforms)(
  'while missed events are sent to a client that reads slowly, on $name,',
  (platform) => {
    it('volatile events wait as the newest of each name, and never end the stream', async () => {
      const metrics = new CountingMetrics();
      const running = await platform.start(
        sseApp({
          controllers: [HallController],
          options: { heartbeatIntervalMs: false, maxQueuedBytes: 300_000, metrics },
        }),
      );
      const door = await Door.open(running);
      const since = await running.sse.position();
      for (let n = 0; n < 40; n++) await running.sse.broadcast('hall', 'missed', `${n} ${LARGE}`);
      const connection = door.knock();
      connection.valve.shut();
      const asked = connection.get(hallPath(['hall']), [`Last-Event-ID: ${since}`]).answer();
      await eventually(() => running.sse.count() === 1, 'the client');
      await full(door.newest);
      for (let n = 0; n < 40; n++) {
        await running.sse.broadcast('hall', 'state', `${n} ${LARGE}`, { volatile: true });
        await someTurns(1);
      }
      expect(metrics.closed).toEqual({});
      connection.valve.open();
      const receiver = await asked;
      await running.sse.broadcast('hall', 'end', '1');
      await eventually(() => receiver.body.includes('event: end'), 'the last event');
      const heard = receiver.parsed().events.filter(({ event }) => event !== 'sse:ready');
      expect(heard.map(({ event, data }) => `${event} ${parseInt(data, 10)}`)).toEqual([
        ...Array.from({ length: 40 }, (_, n) => `missed ${n}`),
        'state 39',
        'end 1',
      ]);
      receiver.close();
      await door.close();
      await running.close();
    });
  },
);
