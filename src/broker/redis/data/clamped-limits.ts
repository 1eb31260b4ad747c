import type { HistoryPolicy, RoomHistoryLimits } from '../../broker.interface.js';

/** Ten years. Longer expiry times could overflow in Redis. */
const MAX_AGE_MS = 315_360_000_000;
const MAX_EVENTS = 1_000_000_000;

/** Returns a room's limits, clamped to the numbers that Redis accepts; `false` for a room without history. */
export function clampedLimits(policy: HistoryPolicy, room: string): RoomHistoryLimits | false {
  const limits = policy.limitsOf(room);
  if (limits === false) return false;
  return {
    maxEvents: Math.min(limits.maxEvents, MAX_EVENTS),
    maxAgeMs: Math.min(limits.maxAgeMs, MAX_AGE_MS),
  };
}
