import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { http2Platforms, platforms, type Platform } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { memoryInUse } from '../support/memory-in-use.js';
import { eventually, someTurns } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { UnixSocketListener } from './unix-socket-listener.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const CLIENTS = 200;
const EVENT = 64_000;
const EVENTS = 160;
const BACKLOG = EVENT * EVENTS;

/** Connects clients that do not read, beyond what Node buffers; returns a function that disconnects them. */
type ConnectMany = (running: RunningApp) => Promise<() => Promise<void>>;

const overHttp1: ConnectMany = async (running) => {
  const listener = await UnixSocketListener.open(running);
  const connections = Array.from({ length: CLIENTS }, () => listener.connectRaw());
  for (const connection of connections) connection.get(streamPath(['lobby']));
  return async () => {
    // Releases what the clients themselves hold, so that only the server's memory is measured.
    for (const { socket } of connections.splice(0)) socket.destroy();
    await listener.close();
  };
};

/** The server sends 64 KiB of an HTTP/2 stream that is not read: its flow-control window. */
const overHttp2: ConnectMany = async (running) => {
  const sessions: ClientHttp2Session[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    if (n % 50 === 0) {
      sessions.push(connectHttp2(running.url, { rejectUnauthorized: false }).on('error', () => {}));
    }
    const stream = sessions.at(-1)?.request({ ':path': streamPath(['lobby']) });
    stream?.on('error', () => {});
  }
  return async () => {
    for (const session of sessions) session.destroy();
  };
};

const cases: { platform: Platform; connectMany: ConnectMany }[] = [
  ...platforms.map((platform) => ({ platform, connectMany: overHttp1 })),
  ...http2Platforms.map((platform) => ({ platform, connectMany: overHttp2 })),
];

describe.each(cases)(
  `${CLIENTS} clients that do not read, on $platform.name,`,
  ({ platform, connectMany }) => {
    async function start(
      options: SseModuleOptions,
    ): Promise<{ running: RunningApp; metrics: CountingMetrics }> {
      const metrics = new CountingMetrics();
      const running = await platform.start(
        sseApp({
          controllers: [DeliveryController],
          options: { heartbeatIntervalMs: false, history: false, writeTimeoutMs: false, metrics, ...options },
        }),
      );
      return { running, metrics };
    }

    it('share one copy of what is queued for them, which is released when they disconnect', async () => {
      const { running, metrics } = await start({ maxQueuedBytes: 2 * BACKLOG });
      const disconnect = await connectMany(running);
      await eventually(() => metrics.opened === CLIENTS, 'every client');
      await someTurns(20);
      const before = await memoryInUse();
      for (let n = 0; n < EVENTS; n++) {
        // Large and of one size, so that each is a buffer of its own.
        await running.sse.broadcast('lobby', 'n', String(n).padEnd(EVENT, 'x'));
        await someTurns(1);
      }
      const during = await memoryInUse();
      expect(metrics.closed).toEqual({});
      expect(running.sse.count()).toBe(CLIENTS);
      expect(during.buffers - before.buffers).toBeGreaterThan(BACKLOG / 2);
      // One copy, and for each client what Node's own client and the kernel's edge hold: far from one copy each.
      expect(during.buffers - before.buffers).toBeLessThan(2 * BACKLOG + CLIENTS * 150_000);
      expect(during.heap - before.heap).toBeLessThan(CLIENTS * 100_000);

      await disconnect();
      await eventually(() => running.sse.count() === 0, 'every client forgotten');
      await running.sse.broadcast('lobby', 'n', 'afterwards');
      await someTurns(20);
      let after = await memoryInUse();
      await eventually(
        async () => (after = await memoryInUse()).buffers - before.buffers < BACKLOG / 2,
        `the backlog released; still ${after.buffers - before.buffers}`,
      );
      await running.close();
    });

    it('are cut one by one at maxQueuedBytes, and their memory is released', async () => {
      const { running, metrics } = await start({ maxQueuedBytes: BACKLOG / 10 });
      const disconnect = await connectMany(running);
      await eventually(() => metrics.opened === CLIENTS, 'every client');
      await someTurns(20);
      const before = await memoryInUse();
      for (let n = 0; n < EVENTS; n++) {
        await running.sse.broadcast('lobby', 'n', String(n).padEnd(EVENT, 'x'));
        await someTurns(1);
      }
      await eventually(() => running.sse.count() === 0, 'every client cut');
      expect(metrics.closed).toEqual({ 'slow-consumer': CLIENTS });
      await disconnect();
      await eventually(
        async () => (await memoryInUse()).buffers - before.buffers < BACKLOG / 2,
        'the backlog released',
      );
      await running.close();
    });
  },
);
