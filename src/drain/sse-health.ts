import type { BrokerState } from '../broker/broker.interface.js';

/** State of one node, the result of `SseService.health()`. */
export interface SseHealth {
  /**
   * `ready`: new streams open. `full`: `limits.maxStreams` is reached. `draining`: from `drain()` or the first hook of
   * `app.close()` on; new streams are refused for good.
   */
  readonly state: 'ready' | 'full' | 'draining';
  /** Streams of this node, with requests whose rooms or handler are still awaited. */
  readonly streams: number;
  /** The option `limits.maxStreams`. */
  readonly maxStreams: number | false;
  /** As `brokerState$`. Streams stay open while it is `down`, and new ones open. */
  readonly broker: BrokerState;
}

interface HealthParts {
  readonly drain: { readonly hasBegun: boolean };
  readonly limits: { readonly usage: Pick<SseHealth, 'streams' | 'maxStreams'> };
  readonly broker: BrokerState;
}

/** Combines what the parts of a node know of its state. */
export function healthOf({ drain, limits, broker }: HealthParts): SseHealth {
  const { streams, maxStreams } = limits.usage;
  const isFull = maxStreams !== false && streams >= maxStreams;
  return { state: drain.hasBegun ? 'draining' : isFull ? 'full' : 'ready', streams, maxStreams, broker };
}
