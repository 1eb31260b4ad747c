import type { RoomMessage } from '../protocol/room-message.js';

/** One event as `SseService.stream()` shows it. */
export interface SseMessage {
  /** The room it was heard in. */
  readonly room: string;
  readonly event: string | undefined;
  /** What was published: a string as it was, anything else as its JSON reads (as text where it is no JSON). */
  readonly data: unknown;
  /** The event's position, as clients see it in `id:`; `undefined` where it cannot be resumed from. */
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

// The same on every node: another node knows only the text. A serializer of the application's own need not write JSON.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
