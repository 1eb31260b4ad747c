import { encodeEvent } from '../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../protocol/input/event-fields.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { Batch } from './queue/batch.js';
import type { ContentCoder, EncodedBytes } from './response/content-coder.interface.js';
import type { SseClient } from './sse-client.js';

/** The bytes of a batch for all clients that receive the names of all its rooms. They live as long as the batch. */
const namedBatches = new WeakMap<Batch, Batch>();
/** The same for a frame. Weak references: history stores a frame for long and does not need the other one. */
const namedFrames = new WeakMap<SseFrame, WeakRef<SseFrame>>();

/**
 * Lets a client receive the rooms of each event of a room, as an event `sse:rooms` before it: the fields of an event name no
 * room, and the `EventSource` of a page shows nothing else.
 *
 * Only what is written is changed, and once for all clients that ask. The queue of the client holds the frames that all
 * clients share, so that a delivery to any other client costs nothing more.
 */
export function showRooms(client: SseClient): void {
  const { writer } = client.connection;
  writer.coder = new RoomNames(client, writer.coder);
}

class RoomNames implements ContentCoder {
  readonly #client: SseClient;
  /** Encodes the events with their rooms. */
  readonly #next: ContentCoder | undefined;

  constructor(client: SseClient, next: ContentCoder | undefined) {
    this.#client = client;
    this.#next = next;
  }

  get coding(): string | undefined {
    return this.#next?.coding;
  }

  encode(source: Batch | SseFrame): EncodedBytes {
    const withRoomNames = 'frames' in source ? named(source, this.#client) : namedFor(this.#client, source);
    return this.#next?.encode(withRoomNames) ?? withRoomNames;
  }

  end(): EncodedBytes | undefined {
    return this.#next?.end();
  }
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
