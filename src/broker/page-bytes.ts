import type { RoomMessage } from '../protocol/room-message.js';

/** Bytes that an event counts in a page besides its data: its id, its rooms and the objects that hold it. */
export const EVENT_OVERHEAD_BYTES = 256;

/**
 * Returns the bytes that an event counts in a page of history: about one per character, which needs no pass over the text.
 */
export function bytesInPage({ data }: RoomMessage): number {
  return data.length + EVENT_OVERHEAD_BYTES;
}

/** Returns how many of the oldest messages fit into a page: at least one, unless there is none. */
export function countWithin(messages: readonly RoomMessage[], maxBytes: number): number {
  if (maxBytes === Infinity) return messages.length;
  let bytes = 0;
  for (const [index, message] of messages.entries()) {
    bytes += bytesInPage(message);
    if (index > 0 && bytes > maxBytes) return index;
  }
  return messages.length;
}
