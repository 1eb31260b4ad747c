import { seededRandom } from '../../src/testing/seeded-random.js';
import { eventually, pause } from '../support/within.js';
import { ClientHolds, type HeldClients } from './held-clients.js';
import { Judge } from './judge.js';
import type { Verdict } from './verdict.js';
import { Publisher } from './publisher.js';
import { hasReceived, type TrafficClient } from './traffic-client.js';

/** A safety net for slow machines; nothing is measured by it. */
const TIMEOUT_MS = 60_000;

/** A verdict over less than this proves nothing, so the traffic goes on until there is as much. */
const MIN_RECEIVED = 200;
const MIN_RESUMES = 20;

/** The verdict on the clients of some traffic, and how much traffic there was. */
export interface TrafficVerdict extends Verdict {
  readonly published: number;
  /** Attempts to publish that failed and were repeated. */
  readonly rejected: number;
  readonly resumes: number;
}

export interface TrafficOptions<C extends TrafficClient> {
  readonly seed: number;
  /** The least duration. */
  readonly durationMs: number;
  /** The number of rooms; 8 by default. */
  readonly rooms?: number;
  readonly clients: number;
  readonly publishers: number;
  /** The longest pause of a publisher. */
  readonly pauseMs: number;
  /** True where two masters accept events at the same time, see `Judge`. Default: false. */
  readonly hasTwoMasters?: boolean | undefined;
  /** The name of the room that all clients are in; one in thirty events is published to it. */
  readonly everyone?: string;
  readonly createClient: (rooms: readonly string[], random: () => number) => C;
  /** Tries once to publish on any node. Resolves with the position. */
  readonly publish: (rooms: readonly string[], text: string, random: () => number) => Promise<number>;
}

/** Publishers that retry until an event is accepted, and clients that attach and detach at random. */
export class Traffic<C extends TrafficClient = TrafficClient> {
  readonly rooms: readonly string[];
  readonly clients: readonly C[];
  readonly publisher: Publisher;
  readonly #options: TrafficOptions<C>;
  readonly #random: () => number;
  readonly #holds: ClientHolds<C>;
  #endMs = 0;
  #hasFailed = false;

  constructor(options: TrafficOptions<C>) {
    const { everyone, pauseMs, createClient, publish } = options;
    const random = seededRandom(options.seed);
    const rooms = Array.from({ length: options.rooms ?? 8 }, (_, n) => `room ${n}`);
    this.#options = options;
    this.#random = random;
    this.rooms = rooms;
    this.clients = Array.from({ length: options.clients }, () => {
      const chosen = rooms.filter(() => random() < 0.35);
      if (chosen.length === 0) chosen.push(rooms[Math.floor(random() * rooms.length)] as string);
      return createClient(chosen, random);
    });
    this.publisher = new Publisher({
      rooms,
      random,
      pauseMs,
      everyone,
      attempt: (to, text) => publish(to, text, random),
    });
    this.#holds = new ClientHolds(this.clients, (room) => this.publisher.acceptedIn(room));
  }

  /** Returns true once the least duration is over and there was enough traffic. */
  readonly isEnough = (): boolean =>
    Date.now() > this.#endMs &&
    sum(this.clients, ({ received }) => received.length) > MIN_RECEIVED &&
    sum(this.clients, ({ resumes }) => resumes) > MIN_RESUMES;

  /** Runs while the fault is injected, then for another third of the duration and until there was enough traffic. */
  async run(fault: (traffic: Traffic<C>) => Promise<void>): Promise<void> {
    for (const client of this.clients) client.attach();
    await eventually(() => this.clients.every(({ isLive }) => isLive), 'all clients live', TIMEOUT_MS);
    const { durationMs, publishers } = this.#options;
    this.#endMs = Date.now() + durationMs;
    let faultEndMs = Infinity;
    const isOver = (): boolean =>
      this.#hasFailed || (Date.now() > faultEndMs + durationMs / 3 && this.isEnough());
    const names = Array.from({ length: publishers }, (_, n) => String(n));
    try {
      await Promise.all([
        fault(this).then(() => (faultEndMs = Date.now())),
        ...names.map((name) => this.publisher.publishUntil(isOver, name)),
        ...this.clients.map((client) => this.#attachAndDetach(client, isOver)),
      ]);
    } catch (error) {
      this.#hasFailed = true;
      this.publisher.stop();
      throw error;
    }
  }

  /** Holds some clients detached. Resolves when they are: they miss every event published from now on. */
  holdDetached(count: number): Promise<HeldClients> {
    return this.#holds.hold(count, 'detached');
  }

  /** Holds some clients attached. Resolves when they are live: they receive every event that their node receives. */
  holdAttached(count: number): Promise<HeldClients> {
    return this.#holds.hold(count, 'attached');
  }

  /**
   * Publishes a last event in each room and waits until all clients have received theirs: until then an event may be in
   * transit. Resolves after `timeoutMs` where one is lost, which the verdict shows.
   */
  async publishLast(timeoutMs: number): Promise<void> {
    await Promise.all(this.rooms.map((room) => this.publisher.publish([room], `last of ${room}`)));
    const { everyone } = this.#options;
    const hasLast = (client: C): boolean =>
      client.rooms.every((room) => room === everyone || hasReceived(client, `last of ${room}`));
    await eventually(() => this.clients.every(hasLast), 'the last events', timeoutMs).catch(() => {});
  }

  judge(): TrafficVerdict {
    const judge = new Judge(undefined, this.#options.hasTwoMasters !== true);
    for (const event of this.publisher.events) judge.add(event);
    return {
      published: this.publisher.count,
      rejected: this.publisher.rejected,
      resumes: sum(this.clients, ({ resumes }) => resumes),
      ...judge.judge(this.clients),
    };
  }

  async #attachAndDetach(client: C, isOver: () => boolean): Promise<void> {
    const random = this.#random;
    while (!isOver()) {
      await pause(30 + random() * 400);
      // Half of the time a client waits for the end of its replay, however slow the machine is.
      if (random() < 0.5) while (!client.isLive && !isOver()) await pause(10);
      await this.#holds.waitIfHeld(client, 'attached');
      client.detach();
      await pause(random() * 50);
      await this.#holds.waitIfHeld(client, 'detached');
      client.attach();
    }
  }
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
