/** What one use of a room in a tab has received: numbers of events, and gaps of its room with the time at which they came. */
export type Received = number | { readonly gapAtMs: number };

/** One use of a room in a tab. */
export interface UseRecord {
  readonly tab: string;
  readonly room: string;
  /** Number of the first event of the room whose publish began when the use had joined. Earlier ones may come or not. */
  readonly from: number;
  /** True if the room was used until the end. */
  readonly isOpen: boolean;
  readonly received: readonly Received[];
}

/**
 * Compares what a use received with what was published: each event of the room from `from` on, once and in order. A gap
 * excuses the events whose publish began before it came: the page loads the state of the room then.
 *
 * @param publishedAtMs when the publish of each event of the room began, by its number
 * @returns what is wrong, as texts
 */
export function judgeUse(record: UseRecord, publishedAtMs: readonly number[]): string[] {
  const { tab, room, from, isOpen, received } = record;
  const faults: string[] = [];
  const gaps = received.filter((each) => typeof each !== 'number').map(({ gapAtMs }) => gapAtMs);
  const lastGapAtMs = Math.max(-1, ...gaps);
  let next = 0;
  const miss = (end: number): void => {
    for (let n = Math.max(next, from); n < end; n++) {
      if ((publishedAtMs[n] ?? 0) > lastGapAtMs) faults.push(`${tab} lost ${n} of ${room}`);
    }
  };
  for (const each of received) {
    if (typeof each !== 'number') continue;
    if (each < next) faults.push(`${tab} received ${each} of ${room} behind ${next - 1}`);
    else miss(each);
    next = Math.max(each + 1, next);
  }
  if (isOpen) miss(publishedAtMs.length);
  return faults;
}
