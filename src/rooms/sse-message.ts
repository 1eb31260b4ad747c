import type { RoomMessage } from '../protocol/room-message.js';

/** One event as `SseService.stream()` emits it. */
export interface SseMessage {
  /** The subscribed room, also of an event that was published to several rooms. */
  readonly room: string;
  readonly event: string | undefined;
  /** The published data: a string unchanged, any other value parsed from its JSON, or as text where it is not JSON. */
  readonly data: unknown;
  /** The event's position, as in the `id:` that clients receive; `undefined` for an event that cannot be replayed. */
  readonly id: string | undefined;
}

export function toSseMessage(room: string, message: RoomMessage): SseMessage {
  return {
    room,
    event: message.event,
    data: message.serialized ? parse(message.data) : message.data,
    id: message.id,
  };
}

// Also on the publishing node, so that the data is the same on every node: the others receive only the text. A custom
// serializer need not write JSON.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
