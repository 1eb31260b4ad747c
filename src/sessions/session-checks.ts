import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import type { SessionStore } from '../broker/session-store.interface.js';
import { MAX_TIMER_MS, wholeNumber, type OptionCheck } from '../protocol/input/option-checks.js';
import { SseError } from '../protocol/sse-error.js';
import type { SseSessionOptions } from './session-options.interface.js';

/** Least time for which a session is stored. Sessions are renewed three times in it. */
const MIN_TTL_MS = 1_000;

/** The allowed values of the option `sessions`. */
export const SESSION_CHECKS: Readonly<Record<keyof SseSessionOptions, OptionCheck>> = {
  // Renewed sessions are stored for less than twice this time.
  ttlMs: wholeNumber(MIN_TTL_MS, Math.floor(MAX_TIMER_MS / 2)),
  maxRooms: wholeNumber(1, Number.MAX_SAFE_INTEGER),
};

export type ResolvedSessions = Required<SseSessionOptions>;

/** Sessions are always stored in the same partition, as control messages are sent through one. */
export function sessionStoreOf({ partitions }: PartitionedBroker): SessionStore | undefined {
  return partitions.find(({ sessions }) => sessions !== undefined)?.sessions;
}

/**
 * @returns the options with their values; `false` where sessions are switched off, or not asked for and the broker has none
 * @throws SseError `unsupported-by-broker` where they are asked for
 */
export function resolveSessions(
  options: SseSessionOptions | boolean | undefined,
  defaults: ResolvedSessions,
  broker: PartitionedBroker,
): ResolvedSessions | false {
  if (options === false) return false;
  if (sessionStoreOf(broker) === undefined) {
    if (options === undefined) return false;
    throw new SseError(
      'unsupported-by-broker',
      'The option "sessions" of SseModule needs a broker that stores sessions. Take the option away, or give the broker `sessions`.',
    );
  }
  const { ttlMs, maxRooms } = typeof options === 'object' ? options : {};
  return { ttlMs: ttlMs ?? defaults.ttlMs, maxRooms: maxRooms ?? defaults.maxRooms };
}
