import { Controller, Get } from '@nestjs/common';
import { SseRoom, type CloseReason, type RoutedRequest, type SseModuleOptions } from 'nestjs-simple-sse';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { sseApp } from '../support/sse-app.js';
import { pause, within } from '../support/within.js';
import type { Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { Ledger, type Verdict } from './ledger.js';
import { LAST_EVENT, RoamingPage, positionsOf, type Habits } from './roaming-page.js';

export interface OracleOptions {
  readonly platform: Platform;
  readonly seed: number;
  readonly options: SseModuleOptions;
  readonly events: number;
  readonly pages?: number;
  readonly rooms?: number;
  /** Events follow each other in bursts of up to this many, a turn of the event loop apart. */
  readonly burst?: number;
  /** The chance that a burst is followed by a pause of up to `quietMs`. */
  readonly quietMs?: number;
  readonly habits?: Partial<Omit<Habits, 'random'>>;
  /** Every how many bursts the application closes one of the streams itself; 0 for never. */
  readonly closeEvery?: number;
}

export interface Figures extends Verdict {
  seed: number;
  events: number;
  connections: number;
  resumes: number;
  /** Why the server saw streams end. */
  reasons: Partial<Record<CloseReason, number>>;
  ms: number;
}

@Controller()
class OracleController {
  @Get('oracle')
  @SseRoom((request: RoutedRequest) => String(request.query['rooms']).split(','))
  oracle(): void {}
}

/** The seed of this run: `SEED` repeats another run's. */
export function chosenSeed(): number {
  return Number(process.env['SEED'] ?? Date.now() % 1_000_000_007);
}

/**
 * Publishers, and pages that drop and resume at random, on a real application; then the comparison of what each page
 * heard with what was published.
 */
export async function runOracle(given: OracleOptions): Promise<Figures> {
  const { platform, seed, options, pages: pageCount = 60, rooms: roomCount = 20 } = given;
  const startMs = performance.now();
  const random = seededRandom(seed);
  const names = Array.from({ length: roomCount }, (_, n) => `room-${n}`);
  const running = await platform.start(sseApp({ controllers: [OracleController], options }));
  const reasons: Figures['reasons'] = {};
  running.sse.disconnected$.subscribe(({ reason }) => (reasons[reason] = (reasons[reason] ?? 0) + 1));

  const { broker } = options;
  const ledger = new Ledger(
    broker !== undefined && 'partitions' in broker ? (room) => broker.partitionOf(room) : undefined,
  );
  const pages = Array.from({ length: pageCount }, (_, index) => {
    const slow = index % 10 === 0;
    // Slow pages are in the heavy room, where a pause fills the kernel's buffers.
    const own = slow ? ['room-0'] : [];
    const count = Math.max(0, 1 + Math.floor(6 * random()) - own.length);
    for (let n = 0; n < count; n++) own.push(names[Math.floor(roomCount * random())] as string);
    const rooms = [...new Set(own)];
    const habits: Habits = {
      random: seededRandom(seed + 1 + index),
      pausesMs: slow ? 2_500 : 0,
      awayMs: 400,
      dropBytes: slow ? 10_000_000 : 300_000,
      reload: 0.03,
      idOnly: index % 4 !== 3,
      ...given.habits,
    };
    const url = `${running.url}/oracle?rooms=${rooms.join(',')}`;
    return new RoamingPage(url, rooms, habits, () => ledger.newest);
  });
  try {
    const ended = Promise.all(pages.map((page) => page.run()));
    await publishAll(running, random, names, given, ledger);
    for (const page of pages) page.settle();
    // Again and again: a page that has just been loaded anew hears none from before.
    const telling = setInterval(() => void running.sse.broadcast('*', LAST_EVENT, ''), 100);
    await within(ended, 'every page at the end', 20_000).finally(() => clearInterval(telling));
  } finally {
    for (const page of pages) page.stop();
    await running.close();
  }
  const failure = pages.find((page) => page.failure !== undefined)?.failure;
  if (failure !== undefined) throw failure;
  const sum = (of: (page: RoamingPage) => number): number =>
    pages.reduce((total, page) => total + of(page), 0);
  return {
    seed,
    events: ledger.size,
    connections: sum((page) => page.connections),
    resumes: sum((page) => page.resumes),
    ...ledger.judge(pages.flatMap((page) => page.lives)),
    reasons,
    ms: Math.round(performance.now() - startMs),
  };
}

async function publishAll(
  running: RunningApp,
  random: () => number,
  names: readonly string[],
  { events, burst = 24, quietMs = 4, closeEvery = 0 }: OracleOptions,
  ledger: Ledger,
): Promise<void> {
  let n = 0;
  for (let bursts = 1; n < events; bursts++) {
    const size = Math.ceil(burst * random());
    const publishing: Promise<void>[] = [];
    for (let i = 0; i < size && n < events; i++)
      publishing.push(publishOne(running, random, names, n++, ledger));
    await Promise.all(publishing);
    if (closeEvery > 0 && bursts % closeEvery === 0) closeOne(running, random);
    if (random() < 0.5) await pause(quietMs * random());
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

async function publishOne(
  { sse }: RunningApp,
  random: () => number,
  names: readonly string[],
  n: number,
  ledger: Ledger,
): Promise<void> {
  const some = (): string => names[Math.floor(names.length * random())] as string;
  const rooms = random() < 0.1 ? [...new Set([some(), some(), some()])] : [some()];
  // One room is heavy: what a page that reads slowly drowns in.
  const length = rooms.includes('room-0') ? 24_000 : Math.floor(random() * 200);
  const options = random() < 0.05 ? { idempotencyKey: `key ${n}` } : {};
  const data = `${n} ${'x'.repeat(length)}`;
  const id = await sse.broadcast(rooms, 'n', data, options);
  if ('idempotencyKey' in options) await sse.broadcast(rooms, 'n', data, options);
  ledger.add({ n, rooms, positions: positionsOf(id as string) });
}

function closeOne({ sse }: RunningApp, random: () => number): void {
  const clients = [...sse.clients()];
  clients[Math.floor(clients.length * random())]?.close();
}
