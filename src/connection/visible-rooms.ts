import { encodeEvent } from '../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../protocol/input/event-fields.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { Batch } from './queue/batch.js';
import type { SseClient } from './sse-client.js';

/** The bytes of a batch for all clients that receive the names of all its rooms. They live as long as the batch. */
const namedBatches = new WeakMap<Batch, Batch>();
/** The same for a frame. Weak references: history stores a frame for long and does not need the other one. */
const namedFrames = new WeakMap<SseFrame, WeakRef<SseFrame>>();

/**
 * Lets a client receive the rooms of each event of a room, as an event `sse:rooms` before it: the fields of an event name no
 * room, and the `EventSource` of a page shows nothing else.
 *
 * Replaces two methods of the writer of this one client. Its queue holds the frames that all clients share, so that a
 * delivery to any other client costs nothing more. What is written is encoded once for all clients that ask.
 */
export function showRooms(client: SseClient): void {
  const { writer } = client.connection;
  const write = writer.write.bind(writer);
  const writeFrames = writer.writeFrames.bind(writer);
  writer.write = (batch) => write(named(batch, client));
  writer.writeFrames = (frames) => writeFrames(frames.map((frame) => namedFor(client, frame)));
}

function named(batch: Batch, client: SseClient): Batch {
  const known = namedBatches.get(batch);
  if (known !== undefined) return known;
  const frames = batch.frames();
  // The chain of a root of its own: another branch of the shared one would end the sharing of plain frames.
  const result = frames.reduce(
    (chain, frame) => chain.append(namedFor(client, frame)),
    new Batch(undefined, undefined, 0),
  );
  if (frames.every(({ rooms }) => rooms === undefined || rooms.length === 1)) namedBatches.set(batch, result);
  return result;
}

/** Returns a frame for a client: with those of its rooms that the client is in, since it may not know the others. */
function namedFor(client: SseClient, frame: SseFrame): SseFrame {
  const { rooms } = frame;
  if (rooms === undefined) return frame;
  if (rooms.length > 1) {
    const known = rooms.filter((room) => room === EVERYONE || client.isIn(room));
    if (known.length < rooms.length) return known.length === 0 ? frame : withRooms(frame, known);
  }
  const shared = namedFrames.get(frame)?.deref() ?? withRooms(frame, rooms);
  namedFrames.set(frame, new WeakRef(shared));
  return shared;
}

function withRooms(frame: SseFrame, rooms: readonly string[]): SseFrame {
  const text = frame.bytes.toString();
  // The name of the event, so that a page that does not listen to it does not take the rooms for those of a later one.
  const event = /^event: ([^\n]*)\n/.exec(text)?.[1];
  const data = JSON.stringify({ rooms, event });
  return new SseFrame(encodeEvent({ event: `${RESERVED_EVENT_PREFIX}rooms`, data }) + text);
}
