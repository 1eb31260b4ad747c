import type { CallOptions, CommandLink } from '../link/command-link.js';
import type { RedisKeys } from '../data/redis-keys.js';

export interface PresenceTimes {
  /** How often a node renews its lease, in milliseconds. */
  readonly heartbeatMs: number;
  /** After how much silence a node counts as gone, in milliseconds. */
  readonly leaseMs: number;
  /** How long a node has for one step of clearing up after another, in milliseconds, before a third one takes over. */
  readonly claimMs: number;
  /** How long a node that was away itself leaves others alone, in milliseconds: they may be about to come back as well. */
  readonly patienceMs: number;
}

/** Three heartbeats may fail; a node that died is found within 15 s, and cleared up after at once. */
export const PRESENCE_TIMES: PresenceTimes = {
  heartbeatMs: 5_000,
  leaseMs: 15_000,
  claimMs: 10_000,
  patienceMs: 15_000,
};

/** What presence works with, from the broker's start to its close. */
export interface RedisPresenceContext {
  readonly commands: Pick<CommandLink, 'run' | 'whenUp' | 'isUp'>;
  readonly names: RedisKeys;
  readonly times: PresenceTimes;
  /** Tells the operator, once for each message. */
  readonly warn: (message: string) => void;
}

/** All that is written says what is so, not what changes: it may be sent again. */
export const IDEMPOTENT: CallOptions = { repeatable: true, refusable: false };
