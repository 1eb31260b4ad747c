import { Deferred } from '../../src/broker/redis/deferred.js';
import { randomOf } from '../../src/testing/honest-pages.js';
import { eventually, pause } from '../support/within.js';
import { Follower } from './follower.js';
import type { OracleNode } from './oracle-node.js';
import type { Published } from './verdict.js';

/** Nothing is measured by it: on a slow machine what must happen happens later. */
const PATIENCE_MS = 60_000;

/** A verdict over less than this says nothing, so the traffic goes on until there is as much. */
const LEAST_DELIVERED = 200;
const LEAST_RESUMES = 20;

export interface TrafficOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly rooms: number;
  readonly followers: number;
  readonly publishers: number;
}

/** Where a follower waits while it is held: away from every node, or attached to one. */
type Place = 'away' | 'still';

interface Hold {
  readonly place: Place;
  hasArrived: boolean;
  readonly released: Promise<void>;
}

/** Some followers that do not come and go until they are released. */
export interface Held {
  /** Resolves when, from now on, so many events have been accepted in one and the same room of each. */
  owed(events: number): Promise<void>;
  release(): void;
}

/** Publishers that publish to any node until they are heard, and followers that come and go. */
export class Traffic {
  readonly rooms: readonly string[];
  readonly followers: readonly Follower[];
  readonly log: Published[] = [];
  readonly failures: unknown[] = [];
  rejected = 0;
  readonly #nodes: readonly OracleNode[];
  readonly #options: TrafficOptions;
  readonly #random: () => number;
  readonly #accepted = new Map<string, number>();
  readonly #holds = new Map<Follower, Hold>();
  #ends = 0;

  constructor(nodes: readonly OracleNode[], options: TrafficOptions) {
    this.#nodes = nodes;
    this.#options = options;
    this.#random = randomOf(options.seed);
    this.rooms = Array.from({ length: options.rooms }, (_, n) => `room ${n}`);
    this.followers = Array.from({ length: options.followers }, () => {
      const own = this.rooms.filter(() => this.#random() < 0.35);
      return new Follower(own.length > 0 ? own : [this.#some(this.rooms)]);
    });
  }

  /** Whether there was enough of it, and time is up. */
  readonly isEnough = (): boolean =>
    Date.now() > this.#ends &&
    sum(this.followers, ({ told }) => told.length) > LEAST_DELIVERED &&
    sum(this.followers, ({ resumes }) => resumes) > LEAST_RESUMES;

  /** Runs beside the fault: as long as it, and until it is enough. */
  async run(fault: (traffic: Traffic) => Promise<void>): Promise<void> {
    for (const follower of this.followers) this.#attach(follower);
    await eventually(() => this.followers.every(({ isLive }) => isLive), 'all followers live', PATIENCE_MS);
    this.#ends = Date.now() + this.#options.durationMs;
    let isFaultOver = false;
    const isOver = (): boolean => isFaultOver && this.isEnough();
    const numbers = Array.from({ length: this.#options.publishers }, (_, n) => n);
    await Promise.all([
      fault(this).finally(() => (isFaultOver = true)),
      ...numbers.map((publisher) => this.#publishOn(publisher, isOver)),
      ...this.followers.map((follower) => this.#comeAndGo(follower, isOver)),
    ]);
  }

  /** Sends some followers away. Resolves when they have left: what is published from now on they have not heard. */
  sendAway(count: number): Promise<Held> {
    return this.#hold(count, 'away');
  }

  /** Lets some followers stay where they are. Resolves when they are live there: they hear all that their node hears. */
  keepStill(count: number): Promise<Held> {
    return this.#hold(count, 'still');
  }

  /** Publishes to any node, again and again with the same key until it is accepted. */
  async publish(rooms: readonly string[], text: string): Promise<void> {
    const entry = { text, rooms, position: 0 };
    this.log.push(entry);
    for (;;) {
      try {
        const event = { data: text, serialized: false };
        const { broker } = this.#some(this.#nodes);
        entry.position = (await broker.publish(rooms, event, { idempotencyKey: text })).position;
        break;
      } catch {
        this.rejected++;
        await pause(20);
      }
    }
    for (const room of rooms) this.#accepted.set(room, (this.#accepted.get(room) ?? 0) + 1);
  }

  async #publishOn(publisher: number, isOver: () => boolean): Promise<void> {
    for (let n = 0; !isOver(); n++) {
      const isShared = this.#random() < 0.1;
      const rooms = isShared ? this.rooms.filter(() => this.#random() < 0.4) : [this.#some(this.rooms)];
      if (rooms.length > 0) await this.publish(rooms, `${publisher}/${n}`);
      await pause(this.#random() * 3);
    }
  }

  async #comeAndGo(follower: Follower, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await pause(30 + this.#random() * 400);
      await this.#stayIfHeld(follower, 'still');
      follower.leave();
      await pause(this.#random() * 50);
      await this.#stayIfHeld(follower, 'away');
      this.#attach(follower);
    }
  }

  #attach(follower: Follower): void {
    follower.attach(this.#some(this.#nodes)).catch((error: unknown) => this.failures.push(error));
  }

  async #stayIfHeld(follower: Follower, place: Place): Promise<void> {
    const hold = this.#holds.get(follower);
    if (hold?.place !== place) return;
    hold.hasArrived = true;
    await hold.released;
  }

  async #hold(count: number, place: Place): Promise<Held> {
    const free = this.followers.filter((follower) => !this.#holds.has(follower)).slice(0, count);
    const released = new Deferred();
    const holds = free.map((follower) => {
      const hold = { place, hasArrived: false, released: released.promise };
      this.#holds.set(follower, hold);
      return hold;
    });
    const isThere = (): boolean =>
      holds.every(({ hasArrived }) => hasArrived) &&
      free.every(({ isLive }) => isLive === (place === 'still'));
    await eventually(isThere, `${count} followers ${place}`, PATIENCE_MS);
    return {
      owed: (events) => this.#owed(free, events),
      release: () => {
        for (const follower of free) this.#holds.delete(follower);
        released.resolve();
      },
    };
  }

  async #owed(followers: readonly Follower[], events: number): Promise<void> {
    const before = new Map(this.#accepted);
    const since = (room: string): number => (this.#accepted.get(room) ?? 0) - (before.get(room) ?? 0);
    const isOwed = ({ rooms }: Follower): boolean => rooms.some((room) => since(room) >= events);
    await eventually(() => followers.every(isOwed), `${events} events owed to each`, PATIENCE_MS);
  }

  #some<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }
}

function sum<T>(of: readonly T[], count: (one: T) => number): number {
  return of.reduce((total, one) => total + count(one), 0);
}
