import type { SseBroker } from '../broker/broker.interface.js';
import type { ClientConnection } from '../connection/client-connection.js';
import type { SseClient } from '../connection/sse-client.js';
import { nowUs, parsePosition, type Position, type ResumePoint } from '../protocol/position.js';
import type { RoomMessage } from '../protocol/room-message.js';
import type { SseFrame } from '../protocol/sse-frame.js';
import { gapFrame, positionFrame, readyFrame, type GapReason } from './control-events.js';

export interface AttachOptions {
  /** Whether ids are written at all. */
  readonly history: boolean;
  /** Whether the stream begins with `sse:ready`. */
  readonly ready: boolean;
  /** Rooms whose history is asked: the client's own, and everyone's. */
  readonly rooms: () => readonly string[];
}

/**
 * Brings a client from "member of its rooms, gate shut" to "live", with what it missed in between.
 *
 * The order is what makes it exact. The client hears its rooms before history is read, so an event published meanwhile
 * is held or read, or both and sent once. `sse:ready` of a resume names no position newer than the client's own, and
 * `sse:gap` comes before anything that would move the client past the hole: a connection cut at any byte of this
 * loses nothing in silence.
 */
export async function attach(client: SseClient, broker: SseBroker, options: AttachOptions): Promise<void> {
  const { connection, lastEventId } = client;
  // The position of when the gate was shut: whatever is held is newer.
  const here: ResumePoint = { epoch: broker.epoch, position: connection.position };
  if (!options.history || lastEventId === undefined || lastEventId === '') {
    if (options.ready)
      connection.push(readyFrame(client.id, 'none', options.history ? here : undefined), false);
    return goLive(client, broker, here, options.rooms);
  }
  const point = parsePosition(lastEventId, Math.max(nowUs(), broker.position));
  if (point?.epoch !== here.epoch) {
    if (options.ready) connection.push(readyFrame(client.id, 'none', undefined), false);
    connection.push(gapFrame(options.rooms(), point === undefined ? 'invalid' : 'epoch'), false);
    connection.push(positionFrame(here), false);
    return goLive(client, broker, here, options.rooms);
  }
  connection.position = point.position;
  client.joinedBeforeHeard = false;
  const reached = await readMissed(client, broker, point, options.rooms, (complete) => {
    if (options.ready) connection.push(readyFrame(client.id, complete ? 'full' : 'partial', point), false);
  });
  await goLive(client, broker, reached, options.rooms);
}

/** Sends the newest events of a room that a client joined while its stream was open. */
export async function replayNewest(
  client: SseClient,
  broker: SseBroker,
  options: {
    readonly room: string;
    readonly count: number;
    readonly rooms: () => readonly string[];
    readonly from: Position;
  },
): Promise<void> {
  const { connection } = client;
  const page = await broker.read([options.room], undefined, options.count);
  // What came since it joined is held, or was let go to be read again, and follows.
  const before = page.messages.filter(({ position }) => position <= options.from);
  await pushAll(connection, before, ({ frame }) => frame.anonymous);
  if (connection.isClosed) return;
  await goLive(client, broker, { epoch: page.epoch, position: options.from }, options.rooms);
}

/** Opens the gate, after reading what it had to let go, or what came before the broker heard a room. */
async function goLive(
  client: SseClient,
  broker: SseBroker,
  from: ResumePoint,
  rooms: () => readonly string[],
): Promise<void> {
  const { connection } = client;
  let point = from;
  if (client.joinedBeforeHeard) {
    client.joinedBeforeHeard = false;
    point = await readMissed(client, broker, point, rooms);
  }
  while (connection.gate?.overflowed) {
    // Only frames that history does not have are left.
    for (const frame of connection.gate.take()) connection.push(frame, false);
    point = await readMissed(client, broker, point, rooms);
  }
  connection.openGate();
}

/** Sends everything after `point`, as the socket drains. @returns up to where */
async function readMissed(
  client: SseClient,
  broker: SseBroker,
  point: ResumePoint,
  rooms: () => readonly string[],
  onRead: (complete: boolean) => void = () => {},
): Promise<ResumePoint> {
  const { connection } = client;
  const page = await broker.read(rooms(), point.position);
  const reached = { epoch: page.epoch, position: page.position };
  if (connection.isClosed) return reached;
  const { lost, reason } = gapOf(point, page, rooms());
  onRead(lost.length === 0);
  if (lost.length > 0) connection.push(gapFrame(lost, reason), false);
  const own = page.messages.filter(({ except }) => !except?.includes(client.id));
  await pushAll(connection, own, ({ frame }) => frame);
  if (connection.isClosed) return reached;
  // Events move the client's cursor by their own ids.
  if (page.messages.length === 0 && page.position !== point.position)
    connection.push(positionFrame(reached), false);
  connection.position = page.position;
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
    connection.push(frameOf(message), false);
    if (connection.isBusy) await connection.drained();
    if (connection.isClosed) return;
  }
}

function gapOf(
  point: ResumePoint,
  page: { readonly epoch: string; readonly position: Position; readonly incompleteRooms: readonly string[] },
  rooms: readonly string[],
): { lost: readonly string[]; reason: GapReason } {
  if (page.epoch !== point.epoch) return { lost: rooms, reason: 'epoch' };
  // Ahead of everything: believed as far as clocks may differ, but nobody gave it out.
  if (page.position < point.position) return { lost: rooms, reason: 'invalid' };
  return { lost: page.incompleteRooms, reason: 'trimmed' };
}
