import { Controller, Get } from '@nestjs/common';
import { SseRoom, type CloseReason, type RoutedRequest, type SseModuleOptions } from 'nestjs-simple-sse';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { express, type Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { positionsOf } from '../support/wire-ids.js';
import { pause, within } from '../support/within.js';
import { HttpClient, LAST_EVENT, type ClientBehavior } from './http-client.js';
import { Judge } from './judge.js';
import type { Verdict } from './verdict.js';

export interface HttpOracleOptions {
  readonly platform: Platform;
  readonly seed: number;
  readonly options: SseModuleOptions;
  readonly events: number;
  readonly clients?: number;
  readonly rooms?: number;
  /** The share of events that go to several rooms. Default: 0.1. */
  readonly multiRoomShare?: number;
  /** The most events of a burst; the next burst follows a turn of the event loop later. */
  readonly burst?: number;
  /** The longest pause after a burst; every second burst is followed by one. */
  readonly pauseMs?: number;
  readonly behavior?: Partial<Omit<ClientBehavior, 'random'>>;
  /** The application closes one stream after every this many bursts; 0 for never. */
  readonly closeEvery?: number;
}

export interface HttpVerdict extends Verdict {
  seed: number;
  events: number;
  connections: number;
  resumes: number;
  /** The number of streams that ended on the server, by reason. */
  reasons: Partial<Record<CloseReason, number>>;
  ms: number;
}

@Controller()
class OracleController {
  @Get('oracle')
  @SseRoom((request: RoutedRequest) => String(request.query['rooms']).split(','))
  oracle(): void {}
}

/**
 * Publishes to a real application whose clients lose their connections and resume at random, then judges what each
 * client received.
 */
export async function runHttpOracle(given: HttpOracleOptions): Promise<HttpVerdict> {
  const { platform, seed, options, rooms: roomCount = 20 } = given;
  const startMs = performance.now();
  const random = seededRandom(seed);
  const rooms = Array.from({ length: roomCount }, (_, n) => `room-${n}`);
  const running = await platform.start(sseApp({ controllers: [OracleController], options }));
  const reasons: HttpVerdict['reasons'] = {};
  running.sse.disconnected$.subscribe(({ reason }) => (reasons[reason] = (reasons[reason] ?? 0) + 1));

  const { broker } = options;
  const judge = new Judge(
    broker !== undefined && 'partitions' in broker ? (room) => broker.partitionOf(room) : undefined,
  );
  const clients = createClients(given, running.url, rooms, random, judge.newest);
  try {
    const ended = Promise.all(clients.map((client) => client.run()));
    await publishAll(running, random, rooms, given, judge);
    for (const client of clients) client.settle();
    // Repeated, because a client that has just reloaded does not receive earlier events.
    const ending = setInterval(() => void running.sse.broadcast('*', LAST_EVENT, ''), 100);
    await within(ended, 'every client at the end', 60_000).finally(() => clearInterval(ending));
  } finally {
    for (const client of clients) client.stop();
    await running.close();
  }
  const failure = clients.find((client) => client.failure !== undefined)?.failure;
  if (failure !== undefined) throw failure;
  return {
    seed,
    events: judge.size,
    connections: clients.reduce((sum, client) => sum + client.connections, 0),
    resumes: clients.reduce((sum, client) => sum + client.resumes, 0),
    ...judge.judge(clients.flatMap((client) => client.records)),
    reasons,
    ms: Math.round(performance.now() - startMs),
  };
}

/** Rare events in rooms whose history is dropped within two seconds, and clients that stay away longer. */
export function expiringRooms(seed: number): HttpOracleOptions {
  return {
    platform: express,
    seed,
    events: 150,
    rooms: 40,
    burst: 2,
    pauseMs: 150,
    behavior: { awayMs: 6_000, cutBytes: 1_000, readPauseMs: 0, reload: 0 },
    options: { historyMaxAgeMs: 100 },
  };
}

function createClients(
  { seed, clients = 60, behavior }: HttpOracleOptions,
  url: string,
  rooms: readonly string[],
  random: () => number,
  newest: ReadonlyMap<number, number>,
): HttpClient[] {
  return Array.from({ length: clients }, (_, index) => {
    const isSlow = index % 10 === 0;
    // Slow clients are in the heavy room, where a pause fills the kernel's buffers.
    const chosen = isSlow ? ['room-0'] : [];
    const count = Math.max(0, 1 + Math.floor(6 * random()) - chosen.length);
    for (let n = 0; n < count; n++) chosen.push(rooms[Math.floor(rooms.length * random())] as string);
    const ownRooms = [...new Set(chosen)];
    const ownBehavior: ClientBehavior = {
      random: seededRandom(seed + 1 + index),
      readPauseMs: isSlow ? 2_500 : 0,
      awayMs: 400,
      cutBytes: isSlow ? 10_000_000 : 300_000,
      reload: 0.03,
      readsIdOnly: index % 4 !== 3,
      ...behavior,
    };
    return new HttpClient(`${url}/oracle?rooms=${ownRooms.join(',')}`, ownRooms, ownBehavior, newest);
  });
}

async function publishAll(
  running: RunningApp,
  random: () => number,
  rooms: readonly string[],
  { events, multiRoomShare = 0.1, burst = 24, pauseMs = 4, closeEvery = 0 }: HttpOracleOptions,
  judge: Judge,
): Promise<void> {
  let n = 0;
  for (let bursts = 1; n < events; bursts++) {
    const size = Math.ceil(burst * random());
    const publishing: Promise<void>[] = [];
    for (let i = 0; i < size && n < events; i++)
      publishing.push(publishOne(running, random, rooms, { n: n++, multiRoomShare }, judge));
    await Promise.all(publishing);
    if (closeEvery > 0 && bursts % closeEvery === 0) closeOne(running, random);
    if (random() < 0.5) await pause(pauseMs * random());
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

async function publishOne(
  { sse }: RunningApp,
  random: () => number,
  names: readonly string[],
  { n, multiRoomShare }: { readonly n: number; readonly multiRoomShare: number },
  judge: Judge,
): Promise<void> {
  const some = (): string => names[Math.floor(names.length * random())] as string;
  const rooms = random() < multiRoomShare ? [...new Set([some(), some(), some()])] : [some()];
  // One room is heavy, so that the queue of a slow client overflows.
  const length = rooms.includes('room-0') ? 24_000 : Math.floor(random() * 200);
  const options = random() < 0.05 ? { idempotencyKey: `key ${n}` } : {};
  const data = `${n} ${'x'.repeat(length)}`;
  const id = await sse.broadcast(rooms, 'n', data, options);
  if ('idempotencyKey' in options) await sse.broadcast(rooms, 'n', data, options);
  judge.add({ key: String(n), rooms, positions: positionsOf(id as string) });
}

function closeOne({ sse }: RunningApp, random: () => number): void {
  const clients = [...sse.clients()];
  clients[Math.floor(clients.length * random())]?.close();
}
