import type { Told } from './follower.js';

/** What is wrong, all counted over all followers; and how much there was. */
export interface Verdict {
  readonly published: number;
  readonly delivered: number;
  readonly resumes: number;
  readonly rejected: number;
  /** Missing without an `sse:gap` that names the room, heard before anything newer of it. */
  readonly silentlyLost: number;
  /** Missing, and said so. */
  readonly announced: number;
  readonly duplicates: number;
  /** Told to a node or a client after something newer. */
  readonly disorder: number;
  /** As `disorder`, but with a gap of the room between the two. */
  readonly late: number;
  readonly gaps: number;
}

/** An event as it was accepted. */
export interface Published {
  readonly text: string;
  readonly rooms: readonly string[];
  readonly position: number;
}

/** What somebody was told, and what it should have been told. */
export interface Account {
  readonly rooms: readonly string[];
  readonly told: readonly Told[];
  /** The first position that is owed is greater. */
  readonly start: number | undefined;
  readonly resumes: number;
}

/** Compares what each was told with what was accepted. */
export function compare(
  accounts: readonly Account[],
  log: readonly Published[],
): Omit<Verdict, 'rejected' | 'published'> {
  const sum = {
    delivered: 0,
    resumes: 0,
    silentlyLost: 0,
    announced: 0,
    duplicates: 0,
    disorder: 0,
    late: 0,
    gaps: 0,
  };
  for (const { told, rooms, start = 0, resumes } of accounts) {
    sum.resumes += resumes;
    for (const room of rooms) {
      // The room's own line: positions of its events in the order told, and where a gap was announced.
      const line = told.filter((one) => one.rooms.includes(room));
      const at = new Map<string, number>();
      let newest = 0;
      let newestAt = -1;
      let gapAt = -1;
      for (const [index, one] of line.entries()) {
        if (one.kind === 'gap') {
          gapAt = index;
          sum.gaps++;
          continue;
        }
        sum.delivered++;
        const before = at.get(one.text);
        // After a lost memory a retry may be a second event, with a gap between.
        if (before !== undefined && before > gapAt) sum.duplicates++;
        if (one.position <= newest && before === undefined) sum[newestAt > gapAt ? 'disorder' : 'late']++;
        at.set(one.text, index);
        if (one.position > newest) [newest, newestAt] = [one.position, index];
      }
      for (const { text, position, rooms: of } of log) {
        if (!of.includes(room) || position <= start || at.has(text)) continue;
        // Announced before anything newer of the room was told, and after it was published.
        const newer = line.findIndex((one) => one.kind === 'event' && one.position > position);
        const before = newer === -1 ? line : line.slice(0, newer);
        if (before.some((one) => one.kind === 'gap' && one.atUs >= position)) sum.announced++;
        else sum.silentlyLost++;
      }
    }
  }
  return sum;
}
