import type { RoomMessage } from '../protocol/room-message.js';

/** Events found in several rooms, by their positions; one that went to several of the rooms stands there once. */
export function mergeByPosition(messages: RoomMessage[]): RoomMessage[] {
  messages.sort((a, b) => a.position - b.position);
  return messages.filter((message, index) => message !== messages[index - 1]);
}
