import { CHANNELS } from '../channels/channels.js';
import type { FlushScheduler } from '../connection/timers/flush-scheduler.js';
import type { NodeMetrics } from '../metrics/node-metrics.interface.js';
import { nowUs } from '../protocol/position.js';
import { isInternalRoom } from '../protocol/input/room-name.js';
import type { RoomMessage } from '../protocol/room-message.js';
import type { NodeTracing } from '../tracing/node-tracing.js';
import type { ClientObserver } from './client-observer.interface.js';
import type { RoomRegistry } from './room-registry.js';

/** Least time between two events whose latency is measured, in milliseconds: to measure each one would cost more than to count it. */
const MEASURE_INTERVAL_MS = 10;

interface EventDeliveryOptions {
  readonly metrics: NodeMetrics;
  readonly observer?: ClientObserver | undefined;
  readonly tracing?: NodeTracing | undefined;
}

/** Delivers the events of the broker to the rooms of this node, and counts them: once per event, not per client. */
export class EventDelivery {
  readonly #options: EventDeliveryOptions;
  readonly #rooms: Pick<RoomRegistry, 'get'>;
  readonly #flushScheduler: Pick<FlushScheduler, 'schedule'>;
  /** `true` from an event whose latency is measured until its flush. */
  #isMeasuring = false;
  #lagMs = 0;
  #receivedMs = -Infinity;
  /** Flushed behind the clients of the measured event. One object for all of them, since each event may need it. */
  readonly #measurement = { flush: (): void => this.#measured() };

  constructor(
    options: EventDeliveryOptions,
    rooms: Pick<RoomRegistry, 'get'>,
    flushScheduler: Pick<FlushScheduler, 'schedule'>,
  ) {
    this.#options = options;
    this.#rooms = rooms;
    this.#flushScheduler = flushScheduler;
  }

  receive(message: RoomMessage): void {
    const { metrics, observer, tracing } = this.#options;
    if (observer?.messageReceived(message) === false) return;
    if (isInternalRoom(message.rooms[0] ?? '')) return void this.#deliver(message);
    const delivered =
      tracing === undefined ? this.#deliver(message) : tracing.deliver(message, () => this.#deliver(message));
    if (CHANNELS.deliver.hasSubscribers) CHANNELS.deliver.publish({ message, clients: delivered });
    metrics.eventDelivered(delivered, delivered === 0 ? 0 : delivered * message.frame.bytes.length);
    if (metrics.eventWritten !== undefined && delivered > 0) this.#measure(message);
  }

  #deliver(message: RoomMessage): number {
    let delivered = 0;
    for (const name of message.rooms) delivered += this.#rooms.get(name)?.receive(message) ?? 0;
    return delivered;
  }

  /** Measures the latency up to the flush of the clients, who are scheduled before. */
  #measure({ position }: RoomMessage): void {
    // Events without a position have no time of their own.
    if (this.#isMeasuring || position === 0) return;
    const nowMs = performance.now();
    if (nowMs - this.#receivedMs < MEASURE_INTERVAL_MS) return;
    this.#isMeasuring = true;
    // The clock of a broker's server may be ahead of this one.
    this.#lagMs = Math.max(0, (nowUs() - position) / 1_000);
    this.#receivedMs = nowMs;
    this.#flushScheduler.schedule(this.#measurement);
  }

  #measured(): void {
    this.#isMeasuring = false;
    const [lagMs, totalMs] = [this.#lagMs, this.#lagMs + performance.now() - this.#receivedMs];
    this.#options.metrics.eventWritten?.({ lagMs, totalMs });
  }
}
