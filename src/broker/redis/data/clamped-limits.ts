import { lastPositionTtlMs } from '../../completeness.js';
import type { HistoryPolicy, RoomHistoryLimits } from '../../broker.interface.js';

/** Ten years. Longer expiry times could overflow in Redis. */
const MAX_AGE_MS = 315_360_000_000;
const MAX_EVENTS = 1_000_000_000;

/**
 * Returns the longest time for which a node needs the last position of any room, in milliseconds; 0 without history.
 * A policy without `longestAgeMs` is judged by a room that no rule names; reads of other rooms correct this.
 */
export function longestLastPositionTtlMs(policy: HistoryPolicy): number {
  const limits = clampedLimits(policy, '');
  const maxAgeMs = Math.min(MAX_AGE_MS, policy.longestAgeMs ?? (limits === false ? 0 : limits.maxAgeMs));
  return lastPositionTtlMs({ maxEvents: MAX_EVENTS, maxAgeMs });
}

/** Returns a room's limits, clamped to the numbers that Redis accepts; `false` for a room without history. */
export function clampedLimits(policy: HistoryPolicy, room: string): RoomHistoryLimits | false {
  const limits = policy.limitsOf(room);
  if (limits === false) return false;
  return {
    maxEvents: Math.min(limits.maxEvents, MAX_EVENTS),
    maxAgeMs: Math.min(limits.maxAgeMs, MAX_AGE_MS),
  };
}
