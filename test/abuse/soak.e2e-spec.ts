import { Controller, Get } from '@nestjs/common';
import {
  MemoryBroker,
  RunSignal,
  SseError,
  SseRoom,
  SseRun,
  type SseBroker,
  type SseMetrics,
} from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { openStream, type EventStream, type OpenOptions } from '../support/event-stream.js';
import { memoryInUse } from '../support/memory-in-use.js';
import { platforms, type Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS, pause } from '../support/within.js';
import { leaksIn, type SoakSample } from './soak-judge.js';

/** How long each of the three runs takes, in milliseconds: `npm run test:soak` sets an hour for all of them together. */
const RUN_MS = Number(process.env['SSE_SOAK_MS'] ?? 45_000) / 3;
/** Least phases, on a machine so slow that fewer fit into the time. */
const MIN_PHASES = 12;
const MAX_STREAMS = 20;
/** Clients of a phase, of which the last ones are refused. */
const CLIENTS = MAX_STREAMS + 12;
/** Fills the socket of a client that does not read, with several of them. */
const LARGE = 'x'.repeat(1_000_000);
/** Long enough to be compressed. */
const LINE = 'a line of the log of a shop, with an order and its state. '.repeat(10);
/** Users of the clients, each with as many streams over all nodes as a phase needs. */
const USERS = 4;
const STREAMS_OF_USER = 8;
/** Clients of a phase that do not read. */
const SLOW_READERS = 3;

@Controller()
class SoakController {
  @Get('room')
  @SseRoom('room')
  room(): void {}

  @Get('heavy')
  @SseRoom('heavy')
  heavy(): void {}

  @Get('packed')
  @SseRoom('room', { compress: true })
  packed(): void {}

  /** A run of the name of its client, which ends by itself, or is stopped when nobody follows it. */
  @Get('runs/:id')
  @SseRun('run-:id', { keepMs: 5_000 })
  async *run(@RunSignal() signal: AbortSignal): AsyncIterable<string> {
    for (let n = 0; n < 20 && !signal.aborted; n++) {
      await pause(5);
      yield LINE;
    }
  }

  @Get('ticks')
  @SseRoom('room')
  async *ticks(): AsyncIterable<string> {
    for (;;) {
      await pause(5);
      yield 'tick';
    }
  }
}

/** Counts streams that are opened, and not closed. */
class OpenStreams implements SseMetrics {
  open = 0;
  slow = 0;
  /** Runs that were started, and have not ended. */
  runs = 0;

  runStarted(): void {
    this.runs++;
  }

  runEnded(): void {
    this.runs--;
  }

  clientOpened(): void {
    this.open++;
  }

  clientClosed(reason: string): void {
    this.open--;
    if (reason === 'slow-consumer') this.slow++;
  }

  eventDelivered(): void {}

  volatileDropped(): void {}
}

const FAULTS = [undefined, 'read', 'publish'] as const;

/** Refuses one kind of call while `failing` names it. */
class FailingBroker extends MemoryBroker {
  failing: (typeof FAULTS)[number];

  override publish(...args: Parameters<SseBroker['publish']>): ReturnType<SseBroker['publish']> {
    return this.failing === 'publish' ? Promise.reject(aFault()) : super.publish(...args);
  }

  override read(...args: Parameters<SseBroker['read']>): ReturnType<SseBroker['read']> {
    return this.failing === 'read' ? Promise.reject(aFault()) : super.read(...args);
  }
}

function aFault(): SseError {
  return new SseError('broker-unavailable', 'A fault.');
}

/** Runs phases of traffic on one node, and samples what is left after each. */
async function soak(
  platform: Platform,
  broker: SseBroker | ReturnType<typeof redisBroker>,
  fault: (phase: number) => Promise<() => Promise<void>>,
): Promise<{ samples: SoakSample[]; refused: number; slow: number }> {
  const metrics = new OpenStreams();
  const running = await platform.start(
    sseApp({
      controllers: [SoakController],
      options: {
        broker,
        metrics,
        limits: { maxStreams: MAX_STREAMS, maxStreamsPerUserOnAllNodes: STREAMS_OF_USER },
        identify: ({ request }) => {
          const { user } = (request as { headers: Record<string, string | undefined> }).headers;
          return user === undefined ? undefined : { user };
        },
        sessions: { ttlMs: 1_000 },
        tickets: { continueForMs: 1_000 },
        historyMaxEvents: 8,
        rooms: { heavy: { history: false } },
        maxQueuedBytes: 200_000,
        heartbeatIntervalMs: 100,
      },
    }),
  );
  const samples: SoakSample[] = [];
  let refused = 0;
  const until = Date.now() + RUN_MS;
  try {
    for (let phase = 0; phase < MIN_PHASES || Date.now() < until; phase++) {
      refused += await traffic(running, phase, fault);
      const isQuiet = (): boolean =>
        running.sse.count() === 0 && running.sse.rooms().length === 0 && metrics.runs === 0;
      await eventually(isQuiet, 'no client, no room and no run left', PATIENCE_MS);
      running.server.closeAllConnections();
      await eventually(async () => (await connectionsOf(running)) === 0, 'no connection left', PATIENCE_MS);
      samples.push(await sample(running, metrics));
    }
    // Each slot that a refused, failed or lost client kept would be missing now.
    const asUser = (n: number): OpenOptions => ({ headers: { user: `user ${n % USERS}` } });
    const slots = Math.min(MAX_STREAMS, USERS * STREAMS_OF_USER);
    const streams = await Promise.all(
      Array.from({ length: slots }, (_, n) => running.listen('/room', asUser(n))),
    );
    await eventually(() => running.sse.count() === slots, 'every slot free', PATIENCE_MS);
    for (const stream of streams) stream.close();
  } finally {
    await running.close();
  }
  return { samples, refused, slow: metrics.slow };
}

/** Clients that come, go, resume, read slowly and are refused, while the broker fails. @returns the refused ones */
async function traffic(
  running: RunningApp,
  phase: number,
  fault: (phase: number) => Promise<() => Promise<void>>,
): Promise<number> {
  const position = await running.sse.broadcast('room', `phase ${phase}`).catch(() => undefined);
  // Not with `running.open`, which keeps each stream until the end.
  const streams: EventStream[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    const headers: Record<string, string> =
      n % 3 === 0 && position !== undefined ? { 'last-event-id': position } : {};
    if (n >= MAX_STREAMS) headers['sse-refusal'] = 'status';
    // Runs wait for their first event, of a broker that may fail.
    headers['user'] = `user ${n % USERS}`;
    headers['accept-encoding'] = 'gzip';
    streams.push(await openStream(running.url + (await urlOf(running, n, phase)), { headers }));
  }
  for (const client of running.sse.clients()) void client.join('joined').catch(() => undefined);
  for (const stream of streams.slice(0, SLOW_READERS)) stream.pause();
  const repair = await fault(phase);
  await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0 ? running.sse.broadcast('heavy', LARGE) : running.sse.broadcast('room', `event ${n}`),
    ),
  );
  await pause(10);
  for (const stream of streams.filter((_, n) => n % 2 === 0)) stream.close();
  await repair();
  for (const stream of streams) stream.close();
  return streams.filter(({ status }) => status === 503).length;
}

/** Every path, with sessions and tickets. */
async function urlOf(running: RunningApp, client: number, phase: number): Promise<string> {
  if (client < SLOW_READERS) return '/heavy';
  const session = `?session=session-of-client-${client}`;
  switch (client % 6) {
    case 0:
      return '/ticks';
    case 1:
      return `/packed${session}`;
    case 2:
      return `/runs/${phase}-${client}`;
    case 3: {
      const ticket = await running.sse.tickets.issue({ user: `user ${client % USERS}` }).catch(() => 'none');
      return `/room?ticket=${ticket}`;
    }
    default:
      return `/room${session}`;
  }
}

function connectionsOf(running: RunningApp): Promise<number> {
  return new Promise((resolve, reject) => {
    running.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

async function sample(running: RunningApp, metrics: OpenStreams): Promise<SoakSample> {
  const { heap, buffers } = await memoryInUse();
  const emitters = [process, running.server];
  return {
    heap,
    buffers,
    handles: process.getActiveResourcesInfo().length,
    listeners: emitters
      .flatMap((emitter) => emitter.eventNames().map((name) => emitter.listenerCount(name as string)))
      .reduce((sum, count) => sum + count, 0),
    clients: running.sse.count(),
    rooms: running.sse.rooms().length,
    uncounted: metrics.open,
  };
}

const TIMEOUT_MS = 3 * RUN_MS + 240_000;

function judged({ samples, refused, slow }: Awaited<ReturnType<typeof soak>>): void {
  expect(leaksIn(samples)).toEqual([]);
  // Without these the run would show less than it promises.
  expect(refused).toBeGreaterThan(samples.length);
  expect(slow).toBeGreaterThan(0);
}

describe.each(platforms)(
  'a node on $name under churn, slow readers, refused clients and faults',
  (platform) => {
    it(
      'holds no more memory, handles, listeners, clients and slots at the end than at the beginning',
      async () => {
        const broker = new FailingBroker();
        const fault = (phase: number): Promise<() => Promise<void>> => {
          broker.failing = FAULTS[phase % FAULTS.length];
          return Promise.resolve(() => Promise.resolve(void (broker.failing = undefined)));
        };
        judged(await soak(platform, broker, fault));
      },
      TIMEOUT_MS,
    );
  },
);

describeWithRedis('a node with Redis under churn, slow readers, refused clients and outages', () => {
  it(
    'holds no more memory, handles, listeners, clients and slots at the end than at the beginning',
    async () => {
      const server = await RedisServer.start();
      try {
        const fault = async (phase: number): Promise<() => Promise<void>> => {
          if (phase % 4 !== 3) return () => Promise.resolve();
          await server.kill();
          return async () => {
            await server.launch();
            await pause(100);
          };
        };
        const broker = redisBroker({ url: server.url, publishTimeoutMs: 300 });
        judged(await soak(platforms[0] as Platform, broker, fault));
      } finally {
        await server.dispose();
      }
    },
    TIMEOUT_MS,
  );
});
