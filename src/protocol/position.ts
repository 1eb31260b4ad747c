/**
 * A place in the order of every room at once: microseconds since 1970, moved on by at least one for each event.
 * One number stands for all rooms, so one short `Last-Event-ID` resumes them all. Safe in a double until the year 2255.
 */
export type Position = number;

/** The local clock as a position. */
export function nowUs(): Position {
  return Date.now() * 1_000;
}

/** What a client's `Last-Event-ID` says. */
export interface ResumePoint {
  /** Names the memory that gave the position: 8 hexadecimal digits. */
  readonly epoch: string;
  readonly position: Position;
}

/** How far ahead of the local clock a position may lie and still be believed: another node's clock may be ahead. */
export const CLOCK_TOLERANCE_US = 60_000_000;
const MAX_ID_LENGTH = 128;
const WIRE_ID = /^1\.([0-9a-f]{8})\.([0-9a-z]{1,11})$/;

/** @returns `1.<epoch>.<position in base 36>`, about 22 characters of `[0-9a-z.]` */
export function formatPosition(epoch: string, position: Position): string {
  return `1.${epoch}.${position.toString(36)}`;
}

/**
 * Reads an id that a client sent. Such text is anybody's: whatever is not exactly what `formatPosition` writes, or
 * lies more than 60 s in the future, is no position.
 *
 * @param newestUs the larger of the local clock and the highest position seen, in microseconds
 */
export function parsePosition(id: string, newestUs: Position): ResumePoint | undefined {
  if (id.length > MAX_ID_LENGTH) return undefined;
  const [, epoch, digits] = WIRE_ID.exec(id) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const position = parseInt(digits, 36);
  // A leading zero is no number that we wrote: one position has one spelling.
  if (!Number.isSafeInteger(position) || position.toString(36) !== digits) return undefined;
  return position <= newestUs + CLOCK_TOLERANCE_US ? { epoch, position } : undefined;
}
