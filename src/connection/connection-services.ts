import { GzipPieces } from './compression/gzip-pieces.js';
import type { NodeMetrics } from '../metrics/node-metrics.interface.js';
import { SlowClientPolicy, type SlowClientLimits } from './queue/slow-client-policy.js';
import { Http2Sessions } from './response/http2-sessions.js';
import { EventLoopTurns } from './timers/event-loop-turns.js';
import { FlushScheduler } from './timers/flush-scheduler.js';
import { Heartbeat } from './timers/heartbeat.js';
import { readUnacknowledgedBytes } from './timers/unacknowledged-bytes.js';
import { WriteTimeoutTimer } from './timers/write-timeout-timer.js';

export interface ConnectionOptions extends SlowClientLimits {
  readonly heartbeatIntervalMs: number | false;
  readonly flushIntervalMs: number | false;
  readonly metrics: NodeMetrics;
}

/**
 * Services that all connections of a node share. Each connection holds one reference to them, so that 10,000 idle
 * clients cost no timers and no copies of limits.
 */
export class ConnectionServices {
  readonly flushScheduler: FlushScheduler;
  readonly heartbeat: Heartbeat;
  readonly writeTimeouts: WriteTimeoutTimer;
  readonly turns = new EventLoopTurns();
  readonly gzipPieces = new GzipPieces();
  readonly http2Sessions: Http2Sessions;
  readonly slowClientPolicy: SlowClientPolicy;
  readonly metrics: NodeMetrics;

  constructor(options: ConnectionOptions) {
    this.flushScheduler = new FlushScheduler(options.flushIntervalMs);
    this.heartbeat = new Heartbeat(options.heartbeatIntervalMs);
    this.writeTimeouts = new WriteTimeoutTimer(options.writeTimeoutMs, readUnacknowledgedBytes);
    this.http2Sessions = new Http2Sessions(this.writeTimeouts);
    this.slowClientPolicy = new SlowClientPolicy(options);
    this.metrics = options.metrics;
  }

  /** Counts the clients whose sockets are full, and the bytes that wait for them. */
  slowClients(): { slowClients: number; queuedBytes: number } {
    const queues = Array.from(this.writeTimeouts.stalled, ({ queuedBytes }) => queuedBytes ?? []).flat();
    return { slowClients: queues.length, queuedBytes: queues.reduce((sum, bytes) => sum + bytes, 0) };
  }
}
