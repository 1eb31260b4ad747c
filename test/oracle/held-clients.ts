import { Deferred } from '../../src/broker/redis/link/deferred.js';
import { eventually } from '../support/within.js';
import type { TrafficClient } from './traffic-client.js';

const TIMEOUT_MS = 60_000;

/** The state in which a client is held: detached from every node, or attached to one. */
export type HeldState = 'detached' | 'attached';

interface Hold {
  readonly state: HeldState;
  isReached: boolean;
  readonly released: Promise<void>;
}

/** Some clients that neither attach nor detach until they are released. */
export interface HeldClients {
  /** Resolves when each client has a room in which this many events were accepted after this call. */
  published(events: number): Promise<void>;
  release(): void;
}

/** Holds clients that otherwise attach and detach at random. */
export class ClientHolds<C extends TrafficClient> {
  readonly #holds = new Map<C, Hold>();
  readonly #clients: readonly C[];
  readonly #acceptedIn: (room: string) => number;

  /** @param acceptedIn returns the number of events accepted in a room */
  constructor(clients: readonly C[], acceptedIn: (room: string) => number) {
    this.#clients = clients;
    this.#acceptedIn = acceptedIn;
  }

  /** Holds the first clients that are free. Resolves when each is in this state. */
  async hold(count: number, state: HeldState): Promise<HeldClients> {
    const held = this.#clients.filter((client) => !this.#holds.has(client)).slice(0, count);
    const released = new Deferred();
    const holds = held.map((client) => {
      const hold = { state, isReached: false, released: released.promise };
      this.#holds.set(client, hold);
      client.isHeld = true;
      return hold;
    });
    const areReached = (): boolean =>
      holds.every(({ isReached }) => isReached) &&
      held.every(({ isLive }) => isLive === (state === 'attached'));
    await eventually(areReached, `${count} clients ${state}`, TIMEOUT_MS);
    return {
      published: (events) => this.#published(held, events),
      release: () => {
        for (const client of held) {
          this.#holds.delete(client);
          client.isHeld = false;
        }
        released.resolve();
      },
    };
  }

  /** Waits for the release of a client that is held in this state; resolves at once for others. */
  async waitIfHeld(client: C, state: HeldState): Promise<void> {
    const hold = this.#holds.get(client);
    if (hold?.state !== state) return;
    hold.isReached = true;
    await hold.released;
  }

  async #published(held: readonly C[], events: number): Promise<void> {
    const rooms = new Set(held.flatMap((client) => client.rooms));
    const before = new Map(Array.from(rooms, (room) => [room, this.#acceptedIn(room)]));
    const hasEnough = (client: C): boolean =>
      client.rooms.some((room) => this.#acceptedIn(room) - (before.get(room) ?? 0) >= events);
    await eventually(() => held.every(hasEnough), `${events} events for each client`, TIMEOUT_MS);
  }
}
