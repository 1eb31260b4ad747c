import type { SseClient } from '../../connection/sse-client.js';
import type { Position } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { EarlierCopy } from '../../protocol/position.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import type { Gap } from './gaps.js';
import type { MissedPage } from './missed-events.js';
import { PageReads } from './page-bytes.js';
import { CLOCK_SKEW_US } from './starting-position.js';

/**
 * Records the gaps of missed pages at the client's cursor: a copy inside a gap has not reached the client.
 *
 * @param gaps the gap of each page
 */
export function recordLosses(
  { connection }: SseClient,
  pages: readonly MissedPage[],
  gaps: readonly Gap[],
): void {
  for (const [index, { partition, point, page }] of pages.entries()) {
    const lost = gaps[index]?.lost ?? [];
    if (lost.length === 0) continue;
    connection.cursor.addLoss(partition, lost, {
      from: page.epoch === point.epoch ? point.position : 0,
      to: page.position,
      delivered: page.messages.map(({ position }) => position),
    });
  }
}

/**
 * Returns whether the client receives an event of a page from another partition.
 *
 * @param heldFrom the client's position when its gate was shut. A copy without a position is not in history, so only a
 * client that was connected when it was published has received it
 */
export function isReceivedElsewhere(
  client: SseClient,
  { copies, partition, position }: RoomMessage,
  pages: readonly MissedPage[],
  heldFrom: StreamPosition,
): boolean {
  if (copies === undefined) return false;
  const wasAway = position <= (heldFrom.get(partition ?? 0)?.position ?? 0);
  const counting = wasAway ? copies.filter((copy) => copy.position !== 0) : copies;
  return (
    counting.some((copy) => copy.rooms.some((room) => client.in(room)) && isRead(copy, pages)) ||
    client.connection.cursor.hasReceivedCopy(counting)
  );
}

function isRead(copy: EarlierCopy, pages: readonly MissedPage[]): boolean {
  return pages.some(
    ({ partition, page }) =>
      partition === copy.partition && page.messages.some(({ position }) => position === copy.position),
  );
}

/**
 * Finds rooms whose copy replaces one inside a gap, and is sent after a newer event of the gap's partition.
 *
 * The newer event's id moves the client past the gap. A client that is cut before the replacing copy would resume
 * behind the gap, and miss that copy unnoticed. So the gap names these rooms too. In another epoch the client continues
 * at a position that may be behind the gap already: there any event before the replacing copy moves it past the gap.
 *
 * @param messages the events to send, in order
 * @param gaps the gap of each page, with the rooms whose epoch has changed
 */
export function roomsOfOvertakenCopies(
  client: SseClient,
  messages: readonly RoomMessage[],
  pages: readonly MissedPage[],
  gaps: readonly Gap[],
): string[] {
  if (gaps.every(({ lost }) => lost.length === 0)) return [];
  const lost = pages.filter((_, index) => (gaps[index]?.lost.length ?? 0) > 0);
  const start = new Map(lost.map(({ partition, point }) => [partition, point.position]));
  const sent = new Map<number, Position>();
  /** The position that an id named before the next event. */
  const named = (partition: number): Position =>
    sent.size === 0 ? -1 : Math.max(sent.get(partition) ?? -1, start.get(partition) ?? -1);
  const rooms: string[] = [];
  for (const { partition = 0, position, copies, rooms: all } of messages) {
    const isOvertaken = copies?.some(
      (copy) => copy.rooms.some((room) => client.in(room)) && named(copy.partition) >= copy.position,
    );
    if (isOvertaken === true) rooms.push(...all.filter((room) => client.in(room)));
    sent.set(partition, position);
  }
  return rooms;
}

/**
 * Finds rooms of other partitions that lost an event together with a room of a gap.
 *
 * A node does not send the later copy of an event to a client that expects the earlier copy. A client that was cut in
 * between has passed the later copy's position, and the earlier copy is inside the gap. Only history still has it. A room
 * whose history was trimmed within that range counts as lost too: a later copy may be among the trimmed events.
 *
 * Example: the clock of partition 0 leads by 10 ms. An event has the copies 0:120 and 1:112, and a client is sent 1:115
 * first and cut. Then both rooms lose the event. In partition 1 nothing after 115 is missing, so its own page has no gap.
 *
 * @param lostFrom by partition with a gap, the position after which events may be missing
 */
export async function roomsOfLaterCopies(
  client: SseClient,
  partitions: Partitions,
  pages: readonly MissedPage[],
  lostFrom: ReadonlyMap<number, Position>,
): Promise<string[]> {
  if (lostFrom.size === 0 || pages.length < 2) return [];
  const oldest = Math.min(...lostFrom.values()) - CLOCK_SKEW_US;
  const rooms = partitions.group(client.roomNames());
  const found = await Promise.all(
    pages.map(async ({ partition, point }) => {
      const own = rooms.get(partition);
      // Nothing of this partition lies between the start of the gap and the client's position.
      if (own === undefined || point.position <= oldest) return [];
      const lostRooms = new Set<string>();
      for (let after = oldest, hasMore = true; hasMore && after < point.position;) {
        const page = await partitions.read(partition, own, after, new PageReads(client, pages.length));
        for (const room of page.incompleteRooms) if (client.in(room)) lostRooms.add(room);
        for (const { position, copies = [], rooms: all } of page.messages) {
          if (position > point.position || !copies.some(isLost)) continue;
          for (const room of all) if (client.in(room)) lostRooms.add(room);
        }
        after = page.position;
        hasMore = page.hasMore === true;
      }
      return [...lostRooms];
    }),
  );
  return [...new Set(found.flat())];

  function isLost(copy: EarlierCopy): boolean {
    const from = lostFrom.get(copy.partition);
    const concerns = copy.rooms.some((room) => client.in(room));
    return from !== undefined && copy.position > from && concerns && !isRead(copy, pages);
  }
}
