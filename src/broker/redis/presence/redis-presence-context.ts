import type { CallOptions, CommandLink } from '../link/command-link.js';
import type { MalformedMessages } from '../data/malformed-messages.js';
import type { RedisKeys } from '../data/redis-keys.js';

export interface PresenceTimes {
  /** Interval of lease renewals, in milliseconds. */
  readonly heartbeatMs: number;
  /** Time after the last renewal at which a lease expires, in milliseconds. */
  readonly leaseMs: number;
  /** Time for one clean-up step after an expired node, in milliseconds. Afterwards another node may take over. */
  readonly claimMs: number;
  /** Time after its own interruption during which a node does not clean up after others, in milliseconds. */
  readonly cleanUpDelayMs: number;
}

/** Up to two renewals in a row may fail; a failed node is detected within 15 s and then cleaned up after. */
export const PRESENCE_TIMES: PresenceTimes = {
  heartbeatMs: 5_000,
  leaseMs: 15_000,
  claimMs: 10_000,
  cleanUpDelayMs: 15_000,
};

/** The dependencies of presence between the broker's start and close. */
export interface RedisPresenceContext {
  readonly commands: Pick<CommandLink, 'run' | 'whenUp' | 'isUp' | 'runId'>;
  readonly redisKeys: RedisKeys;
  readonly times: PresenceTimes;
  readonly malformed: MalformedMessages;
  /** Emits a warning of the process, at most once for each text. */
  readonly warn: (message: string) => void;
}

/** Call options of presence commands, which write absolute states and may therefore be repeated. */
export const IDEMPOTENT: CallOptions = { repeatable: true, refusable: false };
