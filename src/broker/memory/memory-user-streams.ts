import type { UserStreamOutcome, UserStreamRule, UserStreamStore } from '../user-stream-store.interface.js';

/** Counts the streams of users for a single node. */
export class MemoryUserStreams implements UserStreamStore {
  readonly #users = new Map<string, string>();
  /** By user, the clients in the order of their start. */
  readonly #clients = new Map<string, Set<string>>();
  readonly #assertRunning: () => void;

  /** @param assertRunning throws if the broker is not running */
  constructor(assertRunning: () => void) {
    this.#assertRunning = assertRunning;
  }

  async add(user: string, client: string, { max, whenFull }: UserStreamRule): Promise<UserStreamOutcome> {
    this.#assertRunning();
    const clients = this.#clients.get(user) ?? new Set();
    if (!clients.has(client)) {
      if (clients.size >= max && whenFull === 'refuse') return { isAdded: false, tooMany: [] };
      this.#clients.set(user, clients.add(client));
      this.#users.set(client, user);
    }
    return { isAdded: true, tooMany: [...clients].slice(0, Math.max(0, clients.size - max)) };
  }

  remove(client: string): void {
    const user = this.#users.get(client);
    if (user === undefined) return;
    this.#users.delete(client);
    const clients = this.#clients.get(user);
    clients?.delete(client);
    if (clients?.size === 0) this.#clients.delete(user);
  }

  close(): void {
    this.#users.clear();
    this.#clients.clear();
  }
}
