import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { http2Platforms, platforms, type Platform } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, someTurns } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { Door } from './door.js';
import { HallController } from './hall.controller.js';
import { hallPath } from './ways.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const CLIENTS = 200;
const EVENT = 64_000;
const EVENTS = 160;
const BACKLOG = EVENT * EVENTS;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is alive after garbage collection. */
async function memory(): Promise<{ buffers: number; heap: number }> {
  // Buffers are let go of in later turns than the objects that hold them.
  for (let n = 0; n < 3; n++) {
    collect();
    await someTurns(5);
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return { buffers: arrayBuffers, heap: heapUsed };
}

/** Connects clients that read nothing but what Node takes by itself. @returns what ends them */
type ConnectMany = (running: RunningApp) => Promise<() => Promise<void>>;

const overHttp1: ConnectMany = async (running) => {
  const door = await Door.open(running);
  const connections = Array.from({ length: CLIENTS }, () => door.knock());
  for (const connection of connections) connection.get(hallPath(['hall']));
  return async () => {
    // What the clients themselves hold must go with them, to be told from what the server holds.
    for (const { socket } of connections.splice(0)) socket.destroy();
    await door.close();
  };
};

/** Of an HTTP/2 stream that nobody reads, the server sends 64 KiB: its flow-control window. */
const overHttp2: ConnectMany = async (running) => {
  const sessions: ClientHttp2Session[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    if (n % 50 === 0) {
      sessions.push(connectHttp2(running.url, { rejectUnauthorized: false }).on('error', () => {}));
    }
    const stream = sessions.at(-1)?.request({ ':path': hallPath(['hall']) });
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
          controllers: [HallController],
          options: { heartbeatIntervalMs: false, history: false, writeTimeoutMs: false, metrics, ...options },
        }),
      );
      return { running, metrics };
    }

    it('share one copy of what waits for them, and of what they leave nothing stays', async () => {
      const { running, metrics } = await start({ maxQueuedBytes: 2 * BACKLOG });
      const leave = await connectMany(running);
      await eventually(() => metrics.opened === CLIENTS, 'every client');
      await someTurns(20);
      const before = await memory();
      for (let n = 0; n < EVENTS; n++) {
        // Large and of one size, so that each is a buffer of its own.
        await running.sse.broadcast('hall', 'n', String(n).padEnd(EVENT, 'x'));
        await someTurns(1);
      }
      const during = await memory();
      expect(metrics.closed).toEqual({});
      expect(running.sse.count()).toBe(CLIENTS);
      expect(during.buffers - before.buffers).toBeGreaterThan(BACKLOG / 2);
      // One copy, and for each client what Node's own client and the kernel's edge hold: far from one copy each.
      expect(during.buffers - before.buffers).toBeLessThan(2 * BACKLOG + CLIENTS * 150_000);
      expect(during.heap - before.heap).toBeLessThan(CLIENTS * 100_000);

      await leave();
      await eventually(() => running.sse.count() === 0, 'every client forgotten');
      await running.sse.broadcast('hall', 'n', 'afterwards');
      await someTurns(20);
      let after = await memory();
      await eventually(
        async () => (after = await memory()).buffers - before.buffers < BACKLOG / 2,
        `the backlog let go of; still ${after.buffers - before.buffers}`,
      );
      await running.close();
    });

    it('are cut one by one at their bound, and their memory with them', async () => {
      const { running, metrics } = await start({ maxQueuedBytes: BACKLOG / 10 });
      const leave = await connectMany(running);
      await eventually(() => metrics.opened === CLIENTS, 'every client');
      await someTurns(20);
      const before = await memory();
      for (let n = 0; n < EVENTS; n++) {
        await running.sse.broadcast('hall', 'n', String(n).padEnd(EVENT, 'x'));
        await someTurns(1);
      }
      await eventually(() => running.sse.count() === 0, 'every client cut');
      expect(metrics.closed).toEqual({ 'slow-consumer': CLIENTS });
      await leave();
      await eventually(
        async () => (await memory()).buffers - before.buffers < BACKLOG / 2,
        'the backlog let go of',
      );
      await running.close();
    });
  },
);
