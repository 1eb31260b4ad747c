import { Redis } from 'ioredis';
import { Deferred } from '../../../src/broker/redis/link/deferred.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import type { RedisServer } from '../../redis/redis-server.js';
import type { BlackHoleProxy } from '../../redis/black-hole-proxy.js';
import { pause } from '../../support/within.js';
import type { Fleet } from '../fleet.js';
import { RunClient, type RunAnswer, type RunClientOptions } from './run-client.js';

export interface RunPlay {
  readonly fleet: Fleet;
  readonly redis: RedisServer;
  /** One for each node, between it and Redis. */
  readonly proxies: readonly BlackHoleProxy[];
  readonly seed: number;
  /** Runs that go on at the same time. */
  readonly lanes: number;
  readonly maxEvents: number;
  /** Longest time that a producer takes, roughly. */
  readonly maxDurationMs: number;
  readonly patienceMs: number;
  /** Injects faults one after the other. New runs are started until it settles. */
  readonly faults: (moments: RunMoments) => Promise<unknown>;
}

/** The state that a play and its faults share. */
export interface RunMoments {
  readonly random: () => number;
  /** A node that answers nothing, which starts no run again. */
  frozen: number | undefined;
  /** Runs that were started again after the lease of their node was lost, so far. */
  takenOver: number;
  /** Number of the runs that a node produces now, as far as clients know. */
  readonly producedBy: (node: number) => number;
  /** Starts a run that only a fault of its node ends. Resolves when it has an event. */
  readonly playEndless: (node: number) => Promise<void>;
  /** The number of the node and the time of each kill and each freeze. */
  readonly nodeFaults: { readonly node: number; readonly atMs: number }[];
  /** Broken promises so far. */
  readonly broken: readonly string[];
}

export interface RunPlayVerdict {
  runs: number;
  events: number;
  clients: number;
  /** Connections that clients opened after their first one. */
  returns: number;
  takenOver: number;
  /** Ends by state and reason. */
  readonly ends: Record<string, number>;
  /** Longest time from the fault of a node to the end of one of its runs, as its first client received it, in milliseconds. */
  longestEndMs: number;
  readonly broken: string[];
}

/** Plays runs on the nodes of a fleet, and compares what each client received with what Redis has and what `status` tells. */
export async function playRuns(play: RunPlay): Promise<RunPlayVerdict> {
  return new Play(play).play();
}

/** What is asked of a run. */
interface Wanted {
  readonly total: number;
  /** Longest pause between two events, in milliseconds. */
  readonly paceMs: number;
  /** Node that starts the run, which nobody asks to stop. Default: any. */
  readonly node?: number;
}

/** Longest time after the start at which a client follows for the first time, in milliseconds. */
const MAX_LATE_MS = 8_000;
/** Lasts about 400 s. */
const ENDLESS: Wanted = { total: 2_000, paceMs: 800 };
const AGAIN: Wanted = { total: 200, paceMs: 40 };

const ROUTES = ['events', 'texts', 'pure', 'events', 'texts'] as const;

class Play {
  readonly #options: RunPlay;
  readonly #random: () => number;
  readonly #moments: RunMoments;
  readonly #verdict: RunPlayVerdict = {
    runs: 0,
    events: 0,
    clients: 0,
    returns: 0,
    takenOver: 0,
    ends: {},
    longestEndMs: 0,
    broken: [],
  };
  /** The clients of the runs that go on. */
  readonly #playing = new Set<readonly RunClient[]>();
  readonly #endless: Promise<void>[] = [];
  #number = 0;
  #isOver = false;

  constructor(options: RunPlay) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    const { broken } = this.#verdict;
    const producedBy = (node: number): number =>
      Array.from(this.#playing).filter((clients) => isProducedBy(clients, node)).length;
    this.#moments = {
      random: this.#random,
      frozen: undefined,
      takenOver: 0,
      producedBy,
      playEndless: (node) =>
        new Promise((resolve) => this.#endless.push(this.#playRun({ ...ENDLESS, node }, resolve))),
      nodeFaults: [],
      broken,
    };
  }

  async play(): Promise<RunPlayVerdict> {
    const lanes = Array.from({ length: this.#options.lanes }, async () => {
      while (!this.#isOver) await this.#playRun(this.#anyRun());
    });
    const faults = this.#options.faults(this.#moments).finally(() => (this.#isOver = true));
    await Promise.all([faults, ...lanes]);
    await Promise.all(this.#endless);
    this.#verdict.takenOver = this.#moments.takenOver;
    return this.#verdict;
  }

  #anyRun(): Wanted {
    const { maxEvents, maxDurationMs } = this.#options;
    const total = 10 + this.#below(this.#random() < 0.3 ? maxEvents - 9 : 300);
    const durationMs = this.#random() < 0.2 ? 0 : maxDurationMs * this.#random();
    // The mean of the pauses is a quarter of the longest one.
    return { total, paceMs: Math.round((4 * durationMs) / total) };
  }

  async #playRun(wanted: Wanted, onBegan?: () => void): Promise<void> {
    const run = `${this.#options.seed}-${this.#number++}`;
    const { end, node } = await this.#playOnce(run, wanted, '', onBegan);
    if (end?.reason !== 'lease' || this.#isOver) return;
    // Another node starts the run again, while the node that has lost its lease may be frozen.
    if (node === this.#moments.frozen || this.#random() < 0.3) await this.#playOnce(run, AGAIN, '/again');
  }

  /** @returns the end of the run, and the number of the node that produced it */
  async #playOnce(
    run: string,
    { total, paceMs, node }: Wanted,
    path: '' | '/again',
    onBegan = (): void => {},
  ): Promise<{ end: RunAnswer | undefined; node: number | undefined }> {
    let isStarted = false;
    const [starter, ...others] = ROUTES.map((route) => this.#client(run, route, () => isStarted)) as [
      RunClient,
      ...RunClient[],
    ];
    const all = [starter, ...others];
    this.#playing.add(all);
    const started = new Deferred();
    const query = `${run}${path}?total=${total}&paceMs=${paceMs}`;
    const onStarted = (): void => {
      isStarted = true;
      started.resolve();
      onBegan();
    };
    const starting = this.#startAt(starter, query, onStarted, { isAgain: path === '/again', at: node });
    const isFirst = path === '';
    if (!isFirst) {
      await Promise.race([started.promise, starting]);
      this.#moments.takenOver++;
    }
    const second = isFirst && node === undefined && this.#random() < 0.4 ? others[0] : undefined;
    const following = others.map(async (client) => {
      if (client === second) await this.#startAt(client, query, () => {});
      // A client may follow before the start.
      if (!isFirst || this.#random() < 0.7) await Promise.race([started.promise, starting]);
      await pause(this.#random() ** 2 * Math.min((total * paceMs) / 3 + 50, MAX_LATE_MS));
      await client.follow();
    });
    const isStopped = node === undefined && this.#random() < 0.25;
    const stopping = isStopped ? this.#stopLater(run, started.promise) : undefined;
    await starting;
    await Promise.all([starter.follow(), ...following]);
    const stopped = await stopping;
    this.#playing.delete(all);
    await Promise.all(all.map((client) => client.comeBack()));
    return this.#judge(run, total, all, stopped);
  }

  #startAt(
    client: RunClient,
    path: string,
    onStarted: () => void,
    { isAgain = false, at }: { isAgain?: boolean; at?: number | undefined } = {},
  ): Promise<void> {
    const { fleet } = this.#options;
    const url = (): string => {
      const node = at ?? this.#freeNode();
      return `${fleet.node(node).url}/runs/${path}&node=${node}`;
    };
    // A second start of an ended run would begin a third one: the first answer is waited for.
    return client.start(url, onStarted, isAgain ? 20_000 : undefined);
  }

  /** The number of a node that is not frozen. */
  #freeNode(): number {
    const { length } = this.#options.fleet.nodes;
    const node = this.#below(length);
    return node === this.#moments.frozen ? (node + 1) % length : node;
  }

  #client(run: string, route: RunClientOptions['route'], isStarted: () => boolean): RunClient {
    const { fleet, patienceMs } = this.#options;
    const node = (): string => fleet.any(this.#random).url;
    const status = (): Promise<RunAnswer> => this.#ask(run, 'status');
    return new RunClient({ run, route, node, random: this.#random, isStarted, status, patienceMs });
  }

  async #stopLater(run: string, started: Promise<void>): Promise<RunAnswer | undefined> {
    await started;
    await pause(this.#random() * 1_500);
    return this.#ask(run, 'stop');
  }

  async #judge(
    run: string,
    total: number,
    clients: readonly RunClient[],
    stopped: RunAnswer | undefined,
  ): Promise<{ end: RunAnswer | undefined; node: number | undefined }> {
    const verdict = this.#verdict;
    const fail = (text: string): void => void verdict.broken.push(`${run}: ${text}`);
    const status = await this.#ask(run, 'status');
    const stored = await this.#stored(run);
    const expected = stored.join();
    for (const client of clients) {
      for (const text of client.broken) fail(`a client ${text}`);
      if (client.received.join() !== expected)
        fail(`a client has ${client.received.length} events, and ${stored.length} are stored`);
      if (client.end !== undefined && outline(client.end) !== outline(status))
        fail(`a client was told ${outline(client.end)}, and the status is ${outline(status)}`);
      verdict.returns += client.returns;
    }
    if (status.state === 'running') fail('is running after its end');
    if (stopped?.state !== undefined && stopped.state !== 'running' && outline(stopped) !== outline(status))
      fail(`stop was answered with ${outline(stopped)}, and the status is ${outline(status)}`);
    const isWhole = stored.every((text, n) => text.split(':')[1] === `${n + 1}`);
    if (!isWhole || new Set(stored.map((text) => text.split(':')[0])).size > 1)
      fail('Redis has events of two executions, or misses some');
    if (status.state === 'done' && stored.length !== total)
      fail(`is done after ${stored.length} of ${total}`);
    const kind = `${status.state} ${status.reason ?? ''}`.trim();
    if (!['done', 'stopped', 'failed lease'].includes(kind)) fail(`has ended as ${kind}`);
    verdict.ends[kind] = (verdict.ends[kind] ?? 0) + 1;
    verdict.runs++;
    verdict.events += stored.length;
    verdict.clients += clients.length;
    const node = stored[0] === undefined ? undefined : Number.parseInt(stored[0], 10);
    if (status.reason === 'lease') this.#measureEnd(node, clients);
    return { end: status, node };
  }

  /** Measures how long the clients of a dead or frozen node have waited for the end. */
  #measureEnd(node: number | undefined, clients: readonly RunClient[]): void {
    const beganAtMs = earliest(clients.map((client) => client.beganAtMs));
    const endedAtMs = earliest(clients.map((client) => client.endedAtMs));
    const fault = this.#moments.nodeFaults.find((each) => each.node === node && each.atMs > beganAtMs);
    const atMs = fault !== undefined && fault.atMs < endedAtMs ? fault.atMs : undefined;
    if (atMs === undefined || endedAtMs === Infinity) return;
    this.#verdict.longestEndMs = Math.max(this.#verdict.longestEndMs, Math.round(endedAtMs - atMs));
  }

  /** The texts that Redis has, read without the module. */
  async #stored(run: string): Promise<string[]> {
    const redis = new Redis(this.#options.redis.port, { lazyConnect: true, maxRetriesPerRequest: null });
    redis.on('error', () => {});
    try {
      const [key] = await redis.keys(`*:re:${run}`);
      const entries = key === undefined ? [] : await redis.xrange(key, '-', '+');
      return entries.map(([, fields]) => /data: (.*);/.exec(fields[1] ?? '')?.[1] ?? 'malformed');
    } finally {
      redis.disconnect();
    }
  }

  /** Asks any node, until one answers. */
  async #ask(run: string, what: 'status' | 'stop'): Promise<RunAnswer> {
    const endMs = performance.now() + this.#options.patienceMs;
    for (;;) {
      try {
        const method = what === 'stop' ? 'POST' : 'GET';
        const url = `${this.#options.fleet.node(this.#freeNode()).url}/runs/${run}/${what}`;
        const answer = await fetch(url, {
          method,
          headers: { connection: 'close' },
          signal: AbortSignal.timeout(8_000),
        });
        if (answer.status === 200) return (await answer.json()) as RunAnswer;
      } catch {
        // The node is dead, frozen or without Redis.
      }
      if (performance.now() > endMs) return { state: 'no node answers' };
      await pause(100);
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function outline({ state, reason, events }: RunAnswer): string {
  return [state, reason ?? '-', events].join(' ');
}

function isProducedBy(clients: readonly RunClient[], node: number): boolean {
  const [text] = clients.flatMap(({ received }) => received.slice(0, 1));
  return text?.startsWith(`${node}-`) === true && clients.every(({ end }) => end === undefined);
}

function earliest(times: readonly (number | undefined)[]): number {
  return Math.min(...times.map((ms) => ms ?? Infinity));
}
