import { pause } from '../support/within.js';
import type { PublishedEvent } from './judge.js';

export interface PublisherOptions {
  readonly rooms: readonly string[];
  readonly random: () => number;
  /** The longest pause between two events. */
  readonly pauseMs: number;
  /** The name of the room that all clients are in; one in thirty events is published to it. */
  readonly everyone?: string | undefined;
  /** Tries once to publish on any node. Resolves with the position. */
  readonly attempt: (rooms: readonly string[], text: string) => Promise<number>;
}

/** Publishes events, retries each on any node until it is accepted, and records them. */
export class Publisher {
  /** Attempts that failed and were repeated. */
  rejected = 0;
  readonly #options: PublisherOptions;
  readonly #log: { readonly text: string; readonly rooms: readonly string[]; position: number }[] = [];
  readonly #accepted = new Map<string, number>();
  #isStopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** The number of events so far, accepted or not. */
  get count(): number {
    return this.#log.length;
  }

  /** All events so far; the position of one that was not accepted yet is 0. */
  get events(): PublishedEvent[] {
    return this.#log.map(({ text, rooms, position }) => ({
      key: text,
      rooms,
      positions: new Map([[0, position]]),
    }));
  }

  /** The number of events accepted in a room. */
  acceptedIn(room: string): number {
    return this.#accepted.get(room) ?? 0;
  }

  /**
   * Publishes on any node, and repeats the attempt with the same idempotency key until the event is accepted.
   *
   * @param first the first attempt, where it differs
   */
  async publish(rooms: readonly string[], text: string, first?: () => Promise<number>): Promise<void> {
    const entry = { text, rooms, position: 0 };
    this.#log.push(entry);
    const attempt = (): Promise<number> => this.#options.attempt(rooms, text);
    for (let next = first ?? attempt; ; next = attempt) {
      try {
        entry.position = await next();
        break;
      } catch (error) {
        if (this.#isStopped) throw error;
        this.rejected++;
        await pause(20);
      }
    }
    for (const room of rooms) this.#accepted.set(room, this.acceptedIn(room) + 1);
  }

  /** Publishes one event after the other to random rooms. @param name the beginning of their texts */
  async publishUntil(isOver: () => boolean, name: string): Promise<void> {
    const { random, pauseMs } = this.#options;
    for (let n = 0; !isOver(); n++) {
      const rooms = this.#randomRooms();
      if (rooms.length > 0) await this.publish(rooms, `${name}/${n}`);
      await pause(random() * pauseMs);
    }
  }

  /** Rejects attempts that fail from now on, instead of repeating them. */
  stop(): void {
    this.#isStopped = true;
  }

  #randomRooms(): readonly string[] {
    const { rooms, random, everyone } = this.#options;
    const kind = random();
    if (kind < 0.1) return rooms.filter(() => random() < 0.4);
    if (everyone !== undefined && kind > 0.97) return [everyone];
    return [rooms[Math.floor(random() * rooms.length)] as string];
  }
}
