import { SseFrame } from '../../protocol/sse-frame.js';

/**
 * A comment of one line (HTML standard, 9.2.7). No blank line after it: with one, clients built on fetch fire an
 * empty message at each beat.
 */
export const HEARTBEAT = new SseFrame(':\n');

/** A client that may need a sign of life. */
export interface HeartbeatClient {
  /** When something was last written to it, on the clock of `performance.now()`. */
  readonly lastWriteMs: number;
  sendHeartbeat(): void;
}

/** A round over all clients takes a quarter of the interval, so a beat comes at most an eighth of it late. */
const ROUNDS_PER_INTERVAL = 4;
const MAX_SLICES_PER_ROUND = 16;
const MIN_TICK_MS = 5;

/**
 * One timer for all clients: sends a comment to whoever nothing was written to for `intervalMs`. Proxies close a
 * connection that is silent (nginx after 60 s), and only a write finds out that a client has vanished.
 *
 * Clients are walked in slices spread over the round, so that 10,000 idle clients never cost one long turn. The timer
 * does not keep the process alive; it stops with the last client and starts again with the next.
 */
export class Heartbeat {
  readonly #intervalMs: number | false;
  readonly #roundMs: number;
  readonly #slices: number;
  readonly #clients = new Set<HeartbeatClient>();
  #walk: Iterator<HeartbeatClient> | undefined;
  /** Bounds a round by the clients that were there when it began: those who come meanwhile stand behind them. */
  #leftInRound = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number | false) {
    this.#intervalMs = intervalMs;
    this.#roundMs = intervalMs === false ? 0 : intervalMs / ROUNDS_PER_INTERVAL;
    this.#slices = Math.max(1, Math.min(MAX_SLICES_PER_ROUND, Math.floor(this.#roundMs / MIN_TICK_MS)));
  }

  add(client: HeartbeatClient): void {
    if (this.#intervalMs === false) return;
    this.#clients.add(client);
    this.#timer ??= setInterval(() => this.#tick(), this.#roundMs / this.#slices).unref();
  }

  delete(client: HeartbeatClient): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#walk = undefined;
  }

  #tick(): void {
    // Silence after which the next round would come too late: half a round of tolerance for timers that fire early.
    const dueMs = performance.now() - ((this.#intervalMs as number) - this.#roundMs / 2);
    if (this.#walk === undefined) {
      this.#walk = this.#clients.values();
      this.#leftInRound = this.#clients.size;
    }
    for (let left = Math.ceil(this.#clients.size / this.#slices); left > 0; left--) {
      const { value: client, done } = this.#walk.next();
      if (done || this.#leftInRound-- === 0) {
        this.#walk = undefined;
        return;
      }
      if (client.lastWriteMs <= dueMs) client.sendHeartbeat();
    }
  }
}
