import type { SseClient } from '../../connection/sse-client.js';
import type { Replay } from '../../protocol/input/replay-option.js';
import type { Position } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { Partitions } from '../partitions/partitions.js';
import { replay } from './missed-events.js';
import { PageReads } from './page-bytes.js';

interface NewestEvents {
  readonly partition: number;
  /** Rooms of the partition. */
  readonly rooms: readonly string[];
  readonly amount: Replay;
  /** Position of the newest event to send. */
  readonly until: Position;
}

/** Returns whether an event is one of those to send. */
type Selection = (message: RoomMessage) => boolean;

/**
 * Sends the newest events of some rooms without their ids, as the socket drains. More than one page of them is read again
 * page by page, so that a client that reads slowly holds one page.
 */
export async function replayNewest(
  client: SseClient,
  partitions: Partitions,
  { partition, rooms, amount, until }: NewestEvents,
): Promise<void> {
  const { connection } = client;
  const reads = new PageReads(client, 1);
  if (amount === 'all') return sendPages(0, () => true);
  if (typeof amount === 'object') {
    const positions = await newestOfEachName(amount.perEventName);
    return sendPages(Math.min(...positions) - 1, ({ position }) => positions.has(position));
  }
  const newest = await partitions.readNewest(partition, rooms, amount, reads);
  const due = newest.messages.filter(isDue);
  if (due.reduce((bytes, { data }) => bytes + data.length, 0) <= reads.maxBytes) return send(due);
  const starts = new Map(rooms.map((room) => [room, oldestOf(due, room, amount)]));
  return sendPages((due[0]?.position ?? until) - 1, (message) =>
    message.rooms.some((room) => message.position >= (starts.get(room) ?? Infinity)),
  );

  function isDue(message: RoomMessage): boolean {
    return (
      message.position <= until &&
      message.rooms.some((room) => rooms.includes(room) && client.in(room)) &&
      !client.isAmong(message.except ?? [])
    );
  }

  function send(messages: readonly RoomMessage[]): Promise<void> {
    return replay(connection, messages, ({ frame }) => frame.anonymous);
  }

  async function sendPages(start: Position, isSelected: Selection): Promise<void> {
    for await (const messages of pagesAfter(start)) await send(messages.filter(isSelected));
  }

  /** @returns the positions of these events */
  async function newestOfEachName(count: number): Promise<Set<Position>> {
    const byName = new Map<string, Position[]>();
    for await (const messages of pagesAfter(0)) {
      for (const { rooms: names, event = '', position } of messages) {
        for (const room of names.filter((name) => rooms.includes(name))) {
          const key = `${room}\n${event}`;
          byName.set(key, [...(byName.get(key) ?? []), position].slice(-count));
        }
      }
    }
    return new Set([...byName.values()].flat());
  }

  async function* pagesAfter(start: Position): AsyncGenerator<readonly RoomMessage[]> {
    for (let after = start, hasMore = true; hasMore && after < until && !connection.isClosed;) {
      const page = await partitions.read(partition, rooms, after, reads);
      yield page.messages.filter(isDue);
      after = page.position;
      hasMore = page.hasMore === true;
    }
  }
}

/** The position of the oldest of the newest `count` events in a room. */
function oldestOf(messages: readonly RoomMessage[], room: string, count: number): Position | undefined {
  return (
    messages.filter((message) => message.rooms.includes(room)).at(-count)?.position ?? messages[0]?.position
  );
}
