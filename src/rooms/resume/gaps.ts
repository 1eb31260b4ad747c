import type { HistoryPage } from '../../broker/broker.interface.js';
import type { ResumePoint } from '../../protocol/position.js';
import type { GapReason } from './control-events.js';

/** What may be missing in one partition. */
export interface Gap {
  readonly lost: readonly string[];
  readonly reason: GapReason;
}

/** Compares where a client stood with what was read after it. */
export function gapOf(point: ResumePoint, page: HistoryPage, rooms: readonly string[]): Gap {
  if (page.epoch !== point.epoch) return { lost: rooms, reason: 'epoch' };
  // Ahead of everything: believed as far as clocks may differ, but nobody gave it out.
  if (page.position < point.position) return { lost: rooms, reason: 'invalid' };
  return { lost: page.incompleteRooms, reason: 'trimmed' };
}

/** One `sse:gap` names all rooms; its reason is that of the greatest loss. */
export function gravest(gaps: readonly Gap[]): GapReason {
  const reasons = gaps.flatMap(({ lost, reason }) => (lost.length > 0 ? [reason] : []));
  return (['epoch', 'invalid'] as const).find((reason) => reasons.includes(reason)) ?? 'trimmed';
}
