import type { HistoryPage } from '../../broker/broker.interface.js';
import type { ClientConnection } from '../../connection/client-connection.js';
import type { SseClient } from '../../connection/sse-client.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Position, ResumePoint } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import { gapFrame, positionFrame, readyFrame } from './control-events.js';
import { gapOf, gravest } from './gaps.js';
import { isReceivedElsewhere, recordLosses, roomsOfLaterCopies } from './missed-copies.js';
import type { Partitions } from '../partitions.js';
import {
  isOfSameEpochs,
  moveToJoinPosition,
  moveToRequestedPosition,
  streamPositionOf,
} from './starting-position.js';

export interface AttachOptions {
  /** Whether ids are written at all. */
  readonly history: boolean;
  /** Whether the stream begins with `sse:ready`. */
  readonly ready: boolean;
  /** Rooms whose history is asked: the client's own, and everyone's. */
  readonly rooms: () => readonly string[];
  /** What history has of a room up to here is from before it was wanted on this node. */
  readonly sinceOf: (room: string) => Position;
}

/**
 * Brings a client from "member of its rooms, gate shut" to "live", with what it missed in between.
 *
 * The order is what makes it exact. The client hears its rooms before history is read, so an event published meanwhile
 * is held or read, or both and sent once. `sse:ready` of a resume names no position newer than the client's own, and
 * `sse:gap` comes before anything that would move the client past the hole: a connection cut at any byte of this
 * loses nothing in silence.
 */
export async function attach(
  client: SseClient,
  partitions: Partitions,
  options: AttachOptions,
): Promise<void> {
  const { connection, lastEventId } = client;
  const { rooms, history, ready } = options;
  if (!history || lastEventId === undefined || lastEventId === '') {
    if (client.joinedBeforeSubscribed) moveToJoinPosition(client, partitions, rooms(), options.sinceOf);
    const here = streamPositionOf(client, partitions, rooms());
    if (ready) push(connection, readyFrame(client.id, 'none', history ? partitions.format(here) : undefined));
    return goLive(client, partitions, here, rooms);
  }
  // The position of when the gate was shut: whatever is held is newer.
  const here = streamPositionOf(client, partitions, rooms());
  let given = partitions.parse(lastEventId);
  let memory = here;
  if (given === undefined || !isOfSameEpochs(given, here)) {
    // Another node may have heard already of what this one has not: a memory that began anew, a clock that jumped.
    memory = await partitions.currentPosition(rooms());
    given = partitions.parse(lastEventId, memory);
    if (connection.isClosed) return;
  }
  const resumable = given === undefined ? [] : moveToRequestedPosition(client, given, memory);
  if (resumable.length === 0) {
    if (ready) push(connection, readyFrame(client.id, 'none', undefined));
    push(connection, gapFrame(rooms(), given === undefined ? 'invalid' : 'epoch'));
    push(connection, positionFrame(partitions.format(here)));
    return goLive(client, partitions, here, rooms);
  }
  client.joinedBeforeSubscribed = false;
  const stale = rooms().filter((room) => !resumable.includes(partitions.partitionOf(room)));
  const reached = await readMissed(client, partitions, streamPositionOf(client, partitions, rooms()), rooms, {
    stale,
    heldFrom: here,
    lostFrom: new Map(
      Array.from(partitions.group(stale).keys(), (partition) => [
        partition,
        given?.get(partition)?.position ?? 0,
      ]),
    ),
    onRead: (complete) => {
      if (ready) push(connection, readyFrame(client.id, complete ? 'full' : 'partial', lastEventId));
    },
  });
  await goLive(client, partitions, reached, rooms);
}

/** Sends the newest events of a room that a client joined while its stream was open. */
export async function replayNewest(
  client: SseClient,
  partitions: Partitions,
  options: {
    readonly room: string;
    /** As in `AttachOptions.sinceOf`. */
    readonly since: Position;
    readonly count: number;
    readonly rooms: () => readonly string[];
    readonly from: StreamPosition;
  },
): Promise<void> {
  const { connection } = client;
  const { room, since, count, rooms, from } = options;
  const partition = partitions.partitionOf(room);
  const page = await partitions.read(partition, [room], undefined, { newest: count });
  const until = Math.max(since, from.get(partition)?.position ?? 0);
  // What came since it joined is held, or was let go to be read again, and follows.
  const before = page.messages.filter(({ position }) => position <= until);
  await pushAll(connection, before, ({ frame }) => frame.anonymous);
  if (connection.isClosed) return;
  await goLive(
    client,
    partitions,
    from,
    rooms,
    (message) => message.position > until || message.rooms.some((name) => name !== room && client.in(name)),
  );
}

/** Opens the gate, after reading what it had to let go, or what came before the broker heard a room. */
async function goLive(
  client: SseClient,
  partitions: Partitions,
  from: StreamPosition,
  rooms: () => readonly string[],
  isWanted?: (message: RoomMessage) => boolean,
): Promise<void> {
  const { connection } = client;
  let place = from;
  if (client.joinedBeforeSubscribed) {
    client.joinedBeforeSubscribed = false;
    place = await readMissed(client, partitions, place, rooms, { isWanted, heldFrom: from });
  }
  while (connection.gate?.overflowed) {
    // Only frames that history does not have are left.
    for (const frame of connection.gate.take()) push(connection, frame);
    place = await readMissed(client, partitions, place, rooms, { heldFrom: from });
  }
  connection.openGate();
}

/** Sends everything after `place`, as the socket drains. @returns up to where */
async function readMissed(
  client: SseClient,
  partitions: Partitions,
  place: StreamPosition,
  rooms: () => readonly string[],
  {
    stale = [],
    heldFrom,
    lostFrom,
    onRead = () => {},
    isWanted = () => true,
  }: {
    readonly stale?: readonly string[];
    /** The client's position when its gate was shut. */
    readonly heldFrom: StreamPosition;
    /** On a resume: by partition whose epoch has changed, the position after which events may be missing. */
    readonly lostFrom?: ReadonlyMap<number, Position>;
    readonly onRead?: (complete: boolean) => void;
    readonly isWanted?: ((message: RoomMessage) => boolean) | undefined;
  },
): Promise<StreamPosition> {
  const { connection } = client;
  const { cursor } = connection;
  const parts = await Promise.all(
    Array.from(partitions.group(rooms()), async ([partition, own]) => {
      const point = place.get(partition) ?? cursor.point(partition);
      return { partition, point, page: await partitions.read(partition, own, point.position) };
    }),
  );
  const reached = new Map(parts.map(({ partition, page }) => [partition, pointOf(page)]));
  if (connection.isClosed) return reached;
  // Its rooms may have changed while history was being read.
  const ownNow = partitions.group(rooms());
  const reads = parts.map((part) => ({
    ...part,
    gap: gapOf(part.point, part.page, ownNow.get(part.partition) ?? []),
  }));
  recordLosses(client, reads);
  const gaps = reads.map(({ gap }) => gap);
  if (stale.length > 0) gaps.unshift({ lost: stale, reason: 'epoch' });
  if (lostFrom !== undefined) {
    const lossStarts = reads
      .filter(({ gap }) => gap.lost.length > 0)
      .map((read) => [read.partition, read.point.position] as const);
    const later = await roomsOfLaterCopies(client, partitions, reads, new Map([...lostFrom, ...lossStarts]));
    if (connection.isClosed) return reached;
    if (later.length > 0) gaps.push({ lost: later, reason: 'trimmed' });
  }
  const lost = [...new Set(gaps.flatMap((gap) => gap.lost))];
  onRead(lost.length === 0);
  if (lost.length > 0) push(connection, gapFrame(lost, gravest(gaps)));
  const messages = parts.flatMap(({ page }) => page.messages);
  if (parts.length > 1) messages.sort((a, b) => a.position - b.position);
  const own = messages.filter((message) => {
    const { except } = message;
    if (except !== undefined && client.isAmong(except)) return false;
    return !isReceivedElsewhere(client, message, reads, heldFrom) && isWanted(message);
  });
  await pushAll(connection, own, ({ frame }) => frame);
  if (connection.isClosed) return reached;
  for (const [partition, point] of reached) cursor.move(partition, point);
  // Events move the client's cursor by their own ids.
  const hasMoved = parts.some(({ point, page }) => page.position !== point.position);
  if (client.tracksPosition && own.length === 0 && hasMoved)
    push(connection, positionFrame(partitions.format(reached)));
  return reached;
}

/** Sends events as the socket drains, until the client closes: a long replay never counts as a slow client. */
async function pushAll(
  connection: ClientConnection,
  messages: readonly RoomMessage[],
  frameOf: (message: RoomMessage) => SseFrame,
): Promise<void> {
  for (const message of messages) {
    // Encoded only when it is its turn.
    push(connection, frameOf(message));
    if (connection.isBusy) await connection.drained();
    if (connection.isClosed) return;
  }
}

function push(connection: ClientConnection, frame: SseFrame): void {
  connection.push(frame, false);
}

function pointOf({ epoch, position }: HistoryPage): ResumePoint {
  return { epoch, position };
}
