import type { HistoryPolicy, RoomHistoryLimits } from '../../broker.interface.js';

/** Ten years: what is kept longer is kept that long. Beyond it, the times that Redis takes would overflow. */
const LONGEST_AGE_MS = 315_360_000_000;
const MOST_EVENTS = 1_000_000_000;

/** The limits of a room, in numbers that Redis takes; `false` for a room that is not remembered. */
export function clampedLimits(policy: HistoryPolicy, room: string): RoomHistoryLimits | false {
  const limits = policy.limitsOf(room);
  if (limits === false) return false;
  return {
    maxEvents: Math.min(limits.maxEvents, MOST_EVENTS),
    maxAgeMs: Math.min(limits.maxAgeMs, LONGEST_AGE_MS),
  };
}
