/**
 * The position of an event in the order of all rooms: microseconds since 1970, increased by at least one per event. All
 * rooms share one sequence, so that one short `Last-Event-ID` resumes them all. A safe integer until the year 2255.
 */
export type Position = number;

/** Returns the local clock as a position. */
export function nowUs(): Position {
  return Date.now() * 1_000;
}

/** An epoch and a position in it, as read from a client's `Last-Event-ID`. */
export interface ResumePoint {
  /** The broker's epoch that assigned the position: 8 hexadecimal digits. */
  readonly epoch: string;
  readonly position: Position;
}

/** The copy of an event in another partition, published before this one. */
export interface EarlierCopy {
  readonly partition: number;
  /** 0 for an event without a position. */
  readonly position: Position;
  readonly rooms: readonly string[];
}

/** Accepted lead of a position over the local clock, in microseconds: another node's clock may be ahead. */
export const CLOCK_TOLERANCE_US = 60_000_000;
const MAX_ID_LENGTH = 128;
const WIRE_ID = /^1\.([0-9a-f]{8})\.([0-9a-z]{1,11})$/;

/** @returns `1.<epoch>.<position in base 36>`, about 22 characters of `[0-9a-z.]` */
export function formatPosition(epoch: string, position: Position): string {
  return `1.${epoch}.${position.toString(36)}`;
}

/**
 * Parses an id that a client sent. The text is untrusted: any text that `formatPosition` does not write, and any position
 * more than 60 s in the future, is rejected with `undefined`.
 *
 * @param newestUs the larger of the local clock and the highest position seen, in microseconds
 */
export function parsePosition(id: string, newestUs: Position): ResumePoint | undefined {
  if (id.length > MAX_ID_LENGTH) return undefined;
  const [, epoch, digits] = WIRE_ID.exec(id) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const position = parseInt(digits, 36);
  // `formatPosition` writes no leading zeros: each position has one spelling.
  if (!Number.isSafeInteger(position) || position.toString(36) !== digits) return undefined;
  return position <= newestUs + CLOCK_TOLERANCE_US ? { epoch, position } : undefined;
}
