/** Numbers of streams that are ended. */
export interface EndPlan {
  /** Streams that nothing but the drain ends. */
  readonly endless: number;
  /** Streams that end with the source of their handler. They follow the others. */
  readonly finite: number;
}

/**
 * Part of the window of one finite stream, where that of another is 1. Fewer wait for a later end, and at most twice as many
 * clients come back at a time.
 */
const FINITE_SHARE = 0.5;

/** The part of the window, above 0 and at most 1, after which the stream with this index is ended. */
export function endOf({ endless, finite }: EndPlan, index: number): number {
  const shares = (before: number): number =>
    Math.min(before, endless) + FINITE_SHARE * Math.max(0, before - endless);
  return shares(index + 1) / shares(endless + finite);
}
