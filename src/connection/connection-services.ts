import type { SseMetrics } from '../metrics/sse-metrics.interface.js';
import type { CloseReason } from './close-reason.js';
import { FlushScheduler } from './timers/flush-scheduler.js';
import { Heartbeat } from './timers/heartbeat.js';
import { Http2Sessions } from './response/http2-sessions.js';
import type { SseClient } from './sse-client.js';
import { WriteTimeoutTimer } from './timers/write-timeout-timer.js';
import { EventLoopTurns } from './timers/event-loop-turns.js';

export interface ConnectionOptions {
  readonly heartbeatIntervalMs: number | false;
  readonly flushIntervalMs: number | false;
  readonly writeTimeoutMs: number | false;
  readonly maxQueuedBytes: number;
  readonly shutdownGraceMs: number;
  readonly metrics: SseMetrics;
}

/** What all connections of a node share: the flush, the heartbeat, the watch over stalled clients, and the limits. */
export class ConnectionServices {
  readonly flushes: FlushScheduler;
  readonly heartbeat: Heartbeat;
  readonly stalls: WriteTimeoutTimer;
  readonly turns = new EventLoopTurns();
  readonly sessions = new Http2Sessions();
  readonly maxQueuedBytes: number;
  readonly #shutdownGraceMs: number;
  readonly #writeTimeoutMs: number | false;
  readonly metrics: SseMetrics;
  /** Called once for each client, when its stream has ended. One function for all: a client costs no closure. */
  readonly onClosed: (client: SseClient, reason: CloseReason) => void;

  constructor(options: ConnectionOptions, onClosed: (client: SseClient, reason: CloseReason) => void) {
    this.flushes = new FlushScheduler(options.flushIntervalMs);
    this.heartbeat = new Heartbeat(options.heartbeatIntervalMs);
    this.stalls = new WriteTimeoutTimer(options.writeTimeoutMs);
    this.maxQueuedBytes = options.maxQueuedBytes;
    this.#shutdownGraceMs = options.shutdownGraceMs;
    this.#writeTimeoutMs = options.writeTimeoutMs;
    this.metrics = options.metrics;
    this.onClosed = onClosed;
  }

  /** How long a client that still reads may take for the rest of its stream. */
  endGraceMs(reason: CloseReason): number | false {
    return reason === 'shutdown' ? this.#shutdownGraceMs : this.#writeTimeoutMs;
  }
}
