import type { SyncMarkers } from './sync-markers.js';

/**
 * Detects a half-open subscribing connection, which is open but receives nothing (a router dropped its state, or the
 * server vanished). After a silent interval the node publishes a sync marker to itself; if neither the marker nor
 * anything else arrives, the connection counts as half-open.
 */
export class HalfOpenProbe {
  readonly #markers: SyncMarkers;
  readonly #intervalMs: number;
  readonly #markerTimeoutMs: number;
  readonly #onHalfOpen: () => void;
  #lastReceivedMs = 0;
  #runId = '';
  #timer: NodeJS.Timeout | undefined;

  /** @param markerTimeoutMs time between Redis' reply to the publisher and the arrival of the marker */
  constructor(markers: SyncMarkers, intervalMs: number, markerTimeoutMs: number, onHalfOpen: () => void) {
    this.#markers = markers;
    this.#intervalMs = intervalMs;
    this.#markerTimeoutMs = markerTimeoutMs;
    this.#onHalfOpen = onHalfOpen;
  }

  /** Records that the connection has received something. */
  received(): void {
    this.#lastReceivedMs = performance.now();
  }

  /** Starts to watch a new connection. */
  start(): void {
    this.received();
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Probes the connection, or ends it where commands have gone to another server than before: a former master may still carry
   * events of other nodes, so that this connection is not silent.
   *
   * @param runId run id of the server of commands; empty where it is unknown
   */
  check(runId: string): void {
    const isOther = this.#runId !== '' && runId !== '' && runId !== this.#runId;
    this.#runId = runId;
    if (isOther && this.#timer !== undefined) this.#onHalfOpen();
    else void this.probe();
  }

  /** Probes the connection now. */
  async probe(): Promise<void> {
    const startedMs = performance.now();
    try {
      await this.#markers.sendUnawaited();
    } catch {
      // The command connection detects an unreachable Redis itself.
      return;
    }
    if (this.#timer === undefined || this.#lastReceivedMs >= startedMs) return;
    setTimeout(() => {
      // Sockets are read before the check: after a long synchronous task the marker may wait there.
      setImmediate(() => {
        if (this.#timer !== undefined && this.#lastReceivedMs < startedMs) this.#onHalfOpen();
      });
    }, this.#markerTimeoutMs).unref();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    // Jitter prevents all nodes from probing at the same time.
    const waitMs = this.#intervalMs * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      const isSilent = performance.now() - this.#lastReceivedMs >= this.#intervalMs / 2;
      if (isSilent) void this.probe();
      this.#schedule();
    }, waitMs).unref();
  }
}
