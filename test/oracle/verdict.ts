/** The findings of the judge, summed over all clients. */
export interface Verdict {
  /** Events received. */
  deliveries: number;
  /** Events never received, with no `sse:gap` of their room before anything newer of it. Counted once for each room. */
  silentLosses: number;
  /** Events never received, and announced by such a gap. Counted once for each room. */
  announcedLosses: number;
  /** Events received again. */
  duplicates: number;
  /** Events received again after a gap in all of their rooms: a retry after the broker lost its history is a new event. */
  duplicatesAfterGap: number;
  /** Those of `duplicatesAfterGap` that were received at the same position before: no retry explains them. */
  repeatedAfterGap: number;
  /** Events received after a newer one of the same partition. */
  outOfOrder: number;
  /** The same, where a gap in their common rooms lies between; after any gap where they have no common room. */
  lateAfterGap: number;
  /** Events of rooms that the client was not in. */
  foreign: number;
  /** `sse:gap` events received. */
  gaps: number;
}

/**
 * Nothing is lost silently, received twice or received out of order. After a gap, an event may be received again at another
 * position: a broker that has lost its history takes a retry for a new event.
 */
export const EXACT_BETWEEN_GAPS = {
  silentLosses: 0,
  duplicates: 0,
  repeatedAfterGap: 0,
  outOfOrder: 0,
  lateAfterGap: 0,
  foreign: 0,
} as const;

/** Nothing is lost silently, received twice or received out of order, also after a gap. */
export const EXACT = { ...EXACT_BETWEEN_GAPS, duplicatesAfterGap: 0 } as const;

/** Every event is received exactly once and in order, without any gap. */
export const EXACT_WITHOUT_GAPS = { ...EXACT, gaps: 0, announcedLosses: 0 } as const;

/** Writes a verdict to the output of the test run, so that its numbers can be compared. */
export function logVerdict(title: string, verdict: object): void {
  process.stdout.write(`${title}: ${JSON.stringify(verdict)}\n`);
}
