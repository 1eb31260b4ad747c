import { Deferred } from '../../src/broker/redis/link/deferred.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { eventually, pause } from '../support/within.js';
import type { Account, Published } from './verdict.js';

/** Nothing is measured by it: on a slow machine what must happen happens later. */
const PATIENCE_MS = 60_000;

/** A verdict over less than this says nothing, so the traffic goes on until there is as much. */
const LEAST_DELIVERED = 200;
const LEAST_RESUMES = 20;

/** Who is told of events; comes to any node, goes, and comes back with its last position. */
export interface Listener extends Account {
  /** Whether it is attached, and has been told what it missed. */
  readonly isLive: boolean;
  /** Whether it may not leave by itself. */
  isHeld: boolean;
  attach(): void;
  leave(): void;
}

export interface TrafficOptions<L extends Listener> {
  readonly seed: number;
  readonly durationMs: number;
  /** How many rooms there are; 8 by default. */
  readonly rooms?: number;
  readonly followers: number;
  readonly publishers: number;
  /** The longest pause of a publisher. */
  readonly pauseMs: number;
  /** The name of the room that everybody is in; one in thirty events is for it. */
  readonly everyone?: string;
  readonly createListener: (rooms: readonly string[], random: () => number) => L;
  /** Tries once to publish at any node. @returns the position */
  readonly publish: (rooms: readonly string[], text: string, random: () => number) => Promise<number>;
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
export class Traffic<L extends Listener = Listener> {
  readonly rooms: readonly string[];
  readonly followers: readonly L[];
  readonly log: Published[] = [];
  readonly #roomsOf = new Map<string, readonly string[]>();
  rejected = 0;
  readonly #options: TrafficOptions<L>;
  readonly #random: () => number;
  readonly #accepted = new Map<string, number>();
  readonly #holds = new Map<L, Hold>();
  #ends = 0;
  #isStopped = false;

  constructor(options: TrafficOptions<L>) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.rooms = Array.from({ length: options.rooms ?? 8 }, (_, n) => `room ${n}`);
    this.followers = Array.from({ length: options.followers }, () => {
      const own = this.rooms.filter(() => this.#random() < 0.35);
      return options.createListener(own.length > 0 ? own : [this.#some(this.rooms)], this.#random);
    });
  }

  /** Whether there was enough of it, and time is up. */
  readonly isEnough = (): boolean =>
    Date.now() > this.#ends &&
    sum(this.followers, ({ told }) => told.length) > LEAST_DELIVERED &&
    sum(this.followers, ({ resumes }) => resumes) > LEAST_RESUMES;

  /** Runs beside the fault: as long as it, and until it is enough. */
  async run(fault: (traffic: Traffic<L>) => Promise<void>): Promise<void> {
    for (const follower of this.followers) follower.attach();
    await eventually(() => this.followers.every(({ isLive }) => isLive), 'all followers live', PATIENCE_MS);
    const { durationMs, publishers } = this.#options;
    this.#ends = Date.now() + durationMs;
    let faultOverAt = Infinity;
    // Some of it comes after the fault.
    const isOver = (): boolean =>
      this.#isStopped || (Date.now() > faultOverAt + durationMs / 3 && this.isEnough());
    const numbers = Array.from({ length: publishers }, (_, n) => n);
    try {
      await Promise.all([
        fault(this).then(() => (faultOverAt = Date.now())),
        ...numbers.map((publisher) => this.#publishOn(publisher, isOver)),
        ...this.followers.map((follower) => this.#comeAndGo(follower, isOver)),
      ]);
    } catch (error) {
      this.#isStopped = true;
      throw error;
    }
  }

  /** Sends some followers away. Resolves when they have left: what is published from now on they have not heard. */
  sendAway(count: number): Promise<Held> {
    return this.#hold(count, 'away');
  }

  /** Lets some followers stay where they are. Resolves when they are live there: they hear all that their node hears. */
  keepStill(count: number): Promise<Held> {
    return this.#hold(count, 'still');
  }

  /** The rooms that an event was published to. */
  readonly roomsOf = (text: string): readonly string[] => this.#roomsOf.get(text) ?? [];

  /**
   * Publishes to any node, again and again with the same key until it is accepted.
   *
   * @param first the first attempt, if it is another
   */
  async publish(rooms: readonly string[], text: string, first?: () => Promise<number>): Promise<void> {
    const entry = { text, rooms, position: 0 };
    this.log.push(entry);
    this.#roomsOf.set(text, rooms);
    const attempt = (): Promise<number> => this.#options.publish(rooms, text, this.#random);
    for (let attemptNow = first ?? attempt; ; attemptNow = attempt) {
      try {
        entry.position = await attemptNow();
        break;
      } catch (error) {
        if (this.#isStopped) throw error;
        this.rejected++;
        await pause(20);
      }
    }
    for (const room of rooms) this.#accepted.set(room, (this.#accepted.get(room) ?? 0) + 1);
  }

  async #publishOn(publisher: number, isOver: () => boolean): Promise<void> {
    for (let n = 0; !isOver(); n++) {
      const rooms = this.#someRooms();
      if (rooms.length > 0) await this.publish(rooms, `${publisher}/${n}`);
      await pause(this.#random() * this.#options.pauseMs);
    }
  }

  #someRooms(): readonly string[] {
    const kind = this.#random();
    if (kind < 0.1) return this.rooms.filter(() => this.#random() < 0.4);
    const { everyone } = this.#options;
    return [everyone !== undefined && kind > 0.97 ? everyone : this.#some(this.rooms)];
  }

  async #comeAndGo(follower: L, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await pause(30 + this.#random() * 400);
      // Half of them stay until they were told what they missed, however slow the machine is.
      if (this.#random() < 0.5) while (!follower.isLive && !isOver()) await pause(10);
      await this.#stayIfHeld(follower, 'still');
      follower.leave();
      await pause(this.#random() * 50);
      await this.#stayIfHeld(follower, 'away');
      follower.attach();
    }
  }

  async #stayIfHeld(follower: L, place: Place): Promise<void> {
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
      follower.isHeld = true;
      return hold;
    });
    const isThere = (): boolean =>
      holds.every(({ hasArrived }) => hasArrived) &&
      free.every(({ isLive }) => isLive === (place === 'still'));
    await eventually(isThere, `${count} followers ${place}`, PATIENCE_MS);
    return {
      owed: (events) => this.#owed(free, events),
      release: () => {
        for (const follower of free) {
          this.#holds.delete(follower);
          follower.isHeld = false;
        }
        released.resolve();
      },
    };
  }

  async #owed(followers: readonly L[], events: number): Promise<void> {
    const before = new Map(this.#accepted);
    const since = (room: string): number => (this.#accepted.get(room) ?? 0) - (before.get(room) ?? 0);
    const isOwed = ({ rooms }: L): boolean => rooms.some((room) => since(room) >= events);
    await eventually(() => followers.every(isOwed), `${events} events owed to each`, PATIENCE_MS);
  }

  #some<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }
}

function sum<T>(of: readonly T[], count: (one: T) => number): number {
  return of.reduce((total, one) => total + count(one), 0);
}
