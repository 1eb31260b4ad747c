import { EVERYONE } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';

/** Rooms that a client left before the claim of its session was answered. */
export class EarlyLeaves {
  /** True if the store may have the room still. */
  readonly #rooms = new Map<string, boolean>();

  /** @param room `'*'` for all rooms */
  add(room: string, mayBeStored: boolean): void {
    this.#rooms.set(room, mayBeStored || this.#rooms.get(room) === true);
  }

  /** Returns `undefined` for a room that was not left, and whether the store may have it still for one that was. */
  mayBeStored(room: string): boolean | undefined {
    const left = [room, EVERYONE].flatMap((name) => this.#rooms.get(name) ?? []);
    return left.length === 0 ? undefined : left.includes(true);
  }
}

/** The failure of a leave whose stream has ended before the store answered its claim. */
export function leaveNotStored(): SseError {
  return new SseError(
    'broker-unavailable',
    'The stream has ended, and its session could not be reached: it may have the room still. Check the broker, and leave the room again by the session or the user.',
  );
}
