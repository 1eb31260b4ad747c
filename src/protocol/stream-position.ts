import {
  CLOCK_TOLERANCE_US,
  formatPosition,
  parsePosition,
  type Position,
  type ResumePoint,
} from './position.js';

/**
 * Where a stream stands: a point in each partition that it has rooms in. A broker without partitions has one, 0.
 */
export type StreamPosition = ReadonlyMap<number, ResumePoint>;

/** 64 partitions of 21 characters each, with what stands between them. */
const MAX_ID_LENGTH = 1_500;
const PART = /^([0-9a-z]{2})([0-9a-f]{8})([0-9a-z]{11})$/;

/**
 * @param isPartitioned whether the broker has more than one partition
 * @returns of one partition `1.<epoch>.<position>`; else `2.` and, joined by `~`, for each partition of the place its
 * number (2 characters), epoch (8) and position (11), numbers in base 36
 */
export function formatStreamPosition(place: StreamPosition, isPartitioned: boolean): string {
  const parts: string[] = [];
  for (const [partition, { epoch, position }] of place) {
    if (!isPartitioned) return formatPosition(epoch, position);
    parts.push(padded(partition, 2) + epoch + padded(position, 11));
  }
  return `2.${parts.toSorted().join('~')}`;
}

/**
 * Reads an id that a client sent, as strictly as `parsePosition` does.
 *
 * @param newestUs the larger of the local clock and the highest position seen, in microseconds
 * @returns the points that it names, at least one; `undefined` for what `formatPlace` did not write
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
  const place = new Map<number, ResumePoint>();
  let before = -1;
  for (const part of id.slice(2).split('~')) {
    const [, number = '', epoch = '', digits = ''] = PART.exec(part) ?? [];
    const [partition, position] = [parseInt(number, 36), parseInt(digits, 36)];
    // In ascending order, each once: one place has one spelling.
    const isPartition = partition > before && partition < partitions;
    if (!isPartition || !(position <= newestUs + CLOCK_TOLERANCE_US)) return undefined;
    place.set(partition, { epoch, position });
    before = partition;
  }
  return place;
}

function padded(value: number, length: number): string {
  return value.toString(36).padStart(length, '0');
}
