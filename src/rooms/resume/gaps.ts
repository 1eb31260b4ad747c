import type { HistoryPage } from '../../broker/broker.interface.js';
import type { ResumePoint } from '../../protocol/position.js';
import type { GapReason } from './control-events.js';

/** The rooms of one partition whose events may be missing; an empty list for none. */
export interface Gap {
  readonly lost: readonly string[];
  readonly reason: GapReason;
}

/**
 * Compares a client's position in a partition with the history read after it.
 *
 * @param rooms the client's rooms in the partition
 */
export function gapOf(point: ResumePoint, page: HistoryPage, rooms: readonly string[]): Gap {
  if (page.epoch !== point.epoch) return { lost: rooms, reason: 'epoch' };
  // Within the tolerance for clocks, so it was parsed; but newer than any event, so no node has written it.
  if (page.position < point.position) return { lost: rooms, reason: 'invalid' };
  return { lost: page.incompleteRooms, reason: 'trimmed' };
}

/** The reason for one `sse:gap` that names the rooms of all gaps: that of the greatest loss. */
export function gravestReason(gaps: readonly Gap[]): GapReason {
  const reasons = gaps.flatMap(({ lost, reason }) => (lost.length > 0 ? [reason] : []));
  return (['epoch', 'invalid'] as const).find((reason) => reasons.includes(reason)) ?? 'trimmed';
}
