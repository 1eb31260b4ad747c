import { isComplete, lastPositionTtlMs, newestLoss, type RoomEvidence } from '../../completeness.js';
import type { RoomHistoryLimits } from '../../broker.interface.js';
import type { Position, ResumePoint } from '../../../protocol/position.js';
import { isLossNotice } from '../data/loss-notice.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { StreamEntry } from '../data/stream-entry.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';

export interface StoredRoom {
  readonly room: string;
  readonly limits: RoomHistoryLimits;
}

/** A read of the events of some rooms after a position. */
export interface PageRequest {
  readonly rooms: readonly StoredRoom[];
  readonly after: Position;
  /** Position at which the page ends at the latest; `undefined` for none. */
  readonly until: Position | undefined;
  readonly maxBytes: number;
}

/** The history of some rooms, read by one call. */
export interface HistoryPart {
  readonly epoch: string;
  /** Position of the read. */
  readonly position: Position;
  /** Position at which the part ends early; `undefined` for a whole part. */
  readonly cut: Position | undefined;
  /** In the order of the requested rooms. */
  readonly rooms: readonly RoomPart[];
}

interface RoomPart extends StoredRoom {
  readonly entries: readonly StreamEntry[];
  /** The newest position at which an event may be missing; `undefined` for a complete room. */
  readonly lostUpTo: Position | undefined;
}

/** Parses the entries of a room, without malformed ones. */
export type ParseEntries = (room: string, replies: readonly RedisReply[]) => StreamEntry[];

/** The keys of some pages, in the order of `READ_SCRIPT`. */
export function keysOfPages(requests: readonly PageRequest[], redisKeys: RedisKeys): string[] {
  return requests
    .flatMap(({ rooms }) => rooms)
    .flatMap(({ room }) => [
      redisKeys.stream(room),
      redisKeys.lastPosition(room),
      redisKeys.unstoredPosition(room),
    ]);
}

/**
 * The arguments of some pages, in the order of `READ_SCRIPT`.
 *
 * @param maxBytes of all pages together, and of each of them
 */
export function argumentsOfPages(requests: readonly PageRequest[], maxBytes: number): string[] {
  const limits = requests.flatMap(({ rooms }) => rooms.map((room) => room.limits));
  const ttlMs = Math.max(0, ...limits.map(lastPositionTtlMs));
  const pages = requests.flatMap(({ rooms, after, until, maxBytes: ownBytes }) => [
    `${after}`,
    `${until ?? ''}`,
    `${Math.min(ownBytes, maxBytes)}`,
    `${rooms.length}`,
    ...rooms.map((room) => `${room.limits.maxAgeMs * 1_000}`),
  ]);
  return [`${maxBytes}`, `${ttlMs}`, ...pages];
}

/** Parses one page of the reply of `READ_SCRIPT`. @param current the epoch and the position of the reply */
export function parsePage(
  { rooms, after }: PageRequest,
  { epoch, position }: ResumePoint,
  [cut, ...replies]: readonly RedisReply[],
  entriesOf: ParseEntries,
): HistoryPart {
  return {
    epoch,
    position,
    cut: cut === '' ? undefined : Number(cut),
    rooms: rooms.map(({ room, limits }, index) => {
      const [last, unstored, firstId, firstPrevious, found] = replies.slice(5 * index, 5 * index + 5);
      const entries = entriesOf(room, found as readonly RedisReply[]);
      const evidence: RoomEvidence = {
        first: entries[0] ?? parseFirst(String(firstId), String(firstPrevious)),
        // A malformed position may hide any event.
        last: parsePosition(String(last)) ?? position,
        unstored: parsePosition(String(unstored)) ?? position,
        now: position,
        lastPositionTtlUs: lastPositionTtlMs(limits) * 1_000,
      };
      const notices = entries.filter(({ event }) => isLossNotice(event));
      const losses = notices.map((notice) => notice.position);
      if (!isComplete(after, evidence)) losses.push(newestLoss(evidence));
      const lostUpTo = losses.length === 0 ? undefined : Math.max(...losses);
      const events = entries.filter((entry) => !notices.includes(entry));
      return { room, limits, entries: events, lostUpTo };
    }),
  };
}

function parseFirst(id: string, previousDigits: string): RoomEvidence['first'] {
  const position = parsePosition(id.replace(/-0$/, ''));
  const previous = parsePosition(previousDigits);
  return position === undefined || previous === undefined ? undefined : { position, previous };
}

/** @returns `undefined` for an unknown position, and for malformed text */
function parsePosition(text: string): Position | undefined {
  const position = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(position) ? position : undefined;
}
