import type { RoomMessage } from '../protocol/room-message.js';

/** Sorts the events of several rooms by position, in place, and returns each event once. */
export function mergeByPosition(messages: RoomMessage[]): RoomMessage[] {
  messages.sort((a, b) => a.position - b.position);
  return messages.filter((message, index) => message !== messages[index - 1]);
}
