import type { ClientRecord } from './judge.js';

/** A client that attaches to any node, detaches, and resumes on any node from its last position. */
export interface TrafficClient extends ClientRecord {
  readonly resumes: number;
  /** True while the client is attached and its replay is complete. */
  readonly isLive: boolean;
  /** Prevents random cuts of the connection while it is true. */
  isHeld: boolean;
  attach(): void;
  detach(): void;
}

/** Looks for an event among the latest items of a client, all of them by default. */
export function hasReceived({ received }: ClientRecord, key: string, latest = received.length): boolean {
  return received.slice(-latest).some((item) => item.kind === 'event' && item.key === key);
}
