import {
  CLOCK_TOLERANCE_US,
  formatPosition,
  parsePosition,
  type Position,
  type ResumePoint,
} from './position.js';

/** The position of a stream: a resume point per partition of its rooms. A broker without partitions counts as partition 0. */
export type StreamPosition = ReadonlyMap<number, ResumePoint>;

/** The position of the broker in the partitions of some rooms. */
export type CurrentPosition = ReadonlyMap<
  number,
  ResumePoint & {
    /** Position up to which lost events of another epoch were stored again. Default: 0, there are none. */
    readonly restoredUpTo?: Position | undefined;
  }
>;

/** Upper bound of 64 parts of 21 characters each, with separators and version. */
const MAX_ID_LENGTH = 1_500;
const PART = /^([0-9a-z]{2})([0-9a-f]{8})([0-9a-z]{11})$/;

/**
 * Formats the position of a stream as an event id.
 *
 * @param isPartitioned `true` if the broker has more than one partition
 * @returns without partitions `1.<epoch>.<position>`; otherwise `2.` and the parts, joined by `~`: the number of the
 * partition (2 characters), epoch (8) and position (11), numbers in base 36
 */
export function formatStreamPosition(points: StreamPosition, isPartitioned: boolean): string {
  const parts: string[] = [];
  for (const [partition, { epoch, position }] of points) {
    if (!isPartitioned) return formatPosition(epoch, position);
    parts.push(padded(partition, 2) + epoch + padded(position, 11));
  }
  return `2.${parts.toSorted().join('~')}`;
}

/**
 * Parses an id that a client sent, as strictly as `parsePosition`.
 *
 * @param newestUs the larger of the local clock and the highest position seen, in microseconds
 * @returns at least one resume point; `undefined` for text that `formatStreamPosition` does not write
 */
export function parseStreamPosition(
  id: string,
  newestUs: Position,
  partitions: number,
): StreamPosition | undefined {
  if (partitions === 1) {
    const point = parsePosition(id, newestUs);
    return point && new Map([[0, point]]);
  }
  if (id.length > MAX_ID_LENGTH || !id.startsWith('2.')) return undefined;
  const points = new Map<number, ResumePoint>();
  let lastPartition = -1;
  for (const part of id.slice(2).split('~')) {
    const [, number = '', epoch = '', digits = ''] = PART.exec(part) ?? [];
    const [partition, position] = [parseInt(number, 36), parseInt(digits, 36)];
    // Parts ascend and are unique: each stream position has one spelling.
    const isPartition = partition > lastPartition && partition < partitions;
    if (!isPartition || !(position <= newestUs + CLOCK_TOLERANCE_US)) return undefined;
    points.set(partition, { epoch, position });
    lastPartition = partition;
  }
  return points;
}

function padded(value: number, length: number): string {
  return value.toString(36).padStart(length, '0');
}
