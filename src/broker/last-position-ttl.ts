import type { RoomHistoryLimits } from './broker.interface.js';

/**
 * How long a room's last position is remembered, in milliseconds: longer than its events, so that "nothing new" can be
 * told from "forgotten".
 */
export function lastPositionTtlMs({ maxAgeMs }: RoomHistoryLimits): number {
  return 2 * maxAgeMs;
}
