import { SseFrame } from '../../protocol/sse-frame.js';

/**
 * A comment of one line (HTML standard, 9.2.7). Without a blank line behind it, since clients built on fetch would fire
 * an empty message at each heartbeat.
 */
export const HEARTBEAT = new SseFrame(':\n');

/** A client that receives heartbeats. */
export interface HeartbeatClient {
  /** Time of the last write in milliseconds, on the clock of `performance.now()`. */
  readonly lastWriteMs: number;
  sendHeartbeat(): void;
}

/** A round over all clients takes a quarter of the interval, so a heartbeat is at most an eighth of it late. */
const ROUNDS_PER_INTERVAL = 4;
const MAX_SLICES_PER_ROUND = 16;
const MIN_TICK_MS = 5;

/**
 * Sends a comment to each client to which nothing was written for `intervalMs`, with one timer for all. Proxies close a
 * silent connection (nginx after 60 s), and only a write detects that a client has vanished.
 *
 * Clients are visited in slices spread over a round, so that 10,000 idle clients do not cost one long turn of the event
 * loop. The timer does not keep the process alive. It stops with the last client and starts again with the next.
 */
export class Heartbeat {
  readonly intervalMs: number | false;
  readonly #roundMs: number;
  readonly #slices: number;
  readonly #clients = new Set<HeartbeatClient>();
  #walk: Iterator<HeartbeatClient> | undefined;
  /** Clients left in the round. Those added since it began are visited in the next. */
  #leftInRound = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number | false) {
    this.intervalMs = intervalMs;
    this.#roundMs = intervalMs === false ? 0 : intervalMs / ROUNDS_PER_INTERVAL;
    this.#slices = Math.max(1, Math.min(MAX_SLICES_PER_ROUND, Math.floor(this.#roundMs / MIN_TICK_MS)));
  }

  add(client: HeartbeatClient): void {
    if (this.intervalMs === false) return;
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
    // Half a round early, since the next round would be too late, and timers may fire early.
    const dueMs = performance.now() - ((this.intervalMs as number) - this.#roundMs / 2);
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
