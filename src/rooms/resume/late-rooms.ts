import type { SseClient } from '../../connection/sse-client.js';
import type { Position } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';

/**
 * The rooms that a client joined while its missed events are read, each with the position after which the client
 * receives its events. The client receives missed events in all its other rooms.
 *
 * Example: a client resumes after position 10 in room `a`, and joins `b` at position 40. A page of both rooms has events
 * of `b` at 20 and 50: the client receives the one at 50 only.
 */
export class LateRooms {
  readonly #client: SseClient;
  readonly #since = new Map<string, Position>();

  constructor(client: SseClient) {
    this.#client = client;
  }

  /** @param since `Infinity` until the broker delivers the room to this node */
  joined(room: string, since: Position): void {
    this.#since.set(room, since);
  }

  /** Position after which the client receives events of a room: 0 for all missed ones. */
  since(room: string): Position {
    return this.#since.get(room) ?? 0;
  }

  /** Returns whether an event is in a room of the client whose events the client receives. */
  receives({ rooms, position }: RoomMessage): boolean {
    return rooms.some((room) => this.#client.in(room) && position > this.since(room));
  }
}
