import type { RoomHistoryLimits } from './broker.interface.js';

/**
 * Returns the time for which a room's last position is stored, in milliseconds. It is longer than the age of its events,
 * so that a read can distinguish "no newer event" from "expired"; see `isComplete`.
 */
export function lastPositionTtlMs({ maxAgeMs }: RoomHistoryLimits): number {
  return 2 * maxAgeMs;
}
