import type { ReadUnacknowledgedBytes, TcpConnection } from './unacknowledged-bytes.js';

/** A client that may be stalled: its socket is full. */
export interface Stallable {
  /** Time of the last progress in milliseconds, on the clock of `performance.now()`. */
  readonly stalledSinceMs: number;
  /** Bytes that wait for the client. Default: unknown, for what is no client. */
  readonly queuedBytes?: number;
  /** The connection below its stream; `undefined` if it has none, or is closed. */
  readonly connection: TcpConnection | undefined;
  /** The client has read something, although its socket is still full. */
  progressed(nowMs: number): void;
  writeTimedOut(): void;
}

/** Part of `writeTimeoutMs` after which the connection of a stalled client is looked at, and looked at again. */
const LOOK_PART = 1 / 4;

const NOTHING_KNOWN: ReadonlyMap<TcpConnection, number> = new Map();

/**
 * Finds clients that have read nothing for `writeTimeoutMs`: one timer for all, and none without stalled clients. `false`
 * switches it off.
 *
 * A full socket on Linux takes the next bytes only when a third of its buffer is free: of 4 MB, a client that reads
 * 160 KB/s frees a third in 8 s. So the bytes that the client's system has not acknowledged are compared too. A client is
 * timed out if they stayed the same from the first look at it, a quarter of the time after it stalled, for the whole time.
 */
export class WriteTimeoutTimer {
  /** `Infinity` if switched off. */
  readonly #timeoutMs: number;
  /** Time without progress after which a client is looked at. */
  readonly #lookAfterMs: number;
  readonly #readUnacknowledged: ReadUnacknowledgedBytes | undefined;
  /** Unacknowledged bytes at the last look, by client in the order of progress, the oldest first. */
  readonly #stalled = new Map<Stallable, number | undefined>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #lastLookMs = -Infinity;

  constructor(writeTimeoutMs: number | false, readUnacknowledged?: ReadUnacknowledgedBytes) {
    this.#timeoutMs = writeTimeoutMs === false ? Infinity : writeTimeoutMs;
    this.#lookAfterMs = readUnacknowledged === undefined ? this.#timeoutMs : this.#timeoutMs * LOOK_PART;
    this.#readUnacknowledged = readUnacknowledged;
  }

  /** The clients whose sockets are full. */
  get stalled(): Iterable<Stallable> {
    return this.#stalled.keys();
  }

  add(client: Stallable): void {
    this.#stalled.set(client, undefined);
    this.#arm();
  }

  delete(client: Stallable): void {
    this.#stalled.delete(client);
    if (this.#stalled.size === 0) this.close();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    const [oldest] = this.#stalled.keys();
    if (this.#timeoutMs === Infinity || this.#timer !== undefined || this.#isLooking || oldest === undefined)
      return;
    const sinceMs = oldest.stalledSinceMs;
    const dueMs = Math.min(
      sinceMs + this.#timeoutMs,
      Math.max(sinceMs, this.#lastLookMs) + this.#lookAfterMs,
    );
    this.#timer = setTimeout(() => this.#check(), Math.max(1, dueMs - performance.now()));
    this.#timer.unref();
  }

  #check(): void {
    this.#timer = undefined;
    this.#lastLookMs = performance.now();
    const clients: Stallable[] = [];
    for (const client of this.#stalled.keys()) {
      if (client.stalledSinceMs > this.#lastLookMs - this.#lookAfterMs) break;
      clients.push(client);
    }
    if (this.#readUnacknowledged === undefined) return this.#judge(clients, NOTHING_KNOWN);
    this.#isLooking = true;
    void this.#readUnacknowledged(clients.flatMap(({ connection }) => connection ?? []))
      // A table that cannot be read leaves the decision to the sockets.
      .catch(() => NOTHING_KNOWN)
      .then((unacknowledged) => {
        this.#isLooking = false;
        this.#judge(clients, unacknowledged);
      });
  }

  /** Times out the clients without progress between the start of this look and `writeTimeoutMs` before it. */
  #judge(clients: readonly Stallable[], unacknowledged: ReadonlyMap<TcpConnection, number>): void {
    const nowMs = performance.now();
    for (const client of clients) {
      const bytes = client.connection && unacknowledged.get(client.connection);
      // Closed, or its socket has taken something meanwhile.
      if (!this.#stalled.has(client) || client.stalledSinceMs > this.#lastLookMs - this.#lookAfterMs)
        continue;
      if (bytes !== undefined && bytes !== this.#stalled.get(client)) {
        this.#stalled.delete(client);
        client.progressed(nowMs);
        this.#stalled.set(client, bytes);
      } else if (client.stalledSinceMs <= this.#lastLookMs - this.#timeoutMs) {
        this.#stalled.delete(client);
        client.writeTimedOut();
      }
    }
    this.#arm();
  }
}
