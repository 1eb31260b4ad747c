import type { SseClient } from '../../connection/sse-client.js';
import type { Position, ResumePoint } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';

/**
 * The rooms that a client has joined later than it began to be away, each with the position after which it receives their
 * events: rooms that it joins while its missed events are read, and those of its session. The client receives missed events
 * in all its other rooms.
 *
 * Example: a client resumes after position 10 in room `a`, and joins `b` at position 40. A page of both rooms has events
 * of `b` at 20 and 50: the client receives the one at 50 only.
 */
export class LateRooms {
  readonly #client: SseClient;
  readonly #since = new Map<string, { readonly position: Position; readonly epoch: string | undefined }>();

  constructor(client: SseClient) {
    this.#client = client;
  }

  /**
   * @param since `Infinity` until the position of the join is known
   * @param epoch of the position, where it may be an old one: then it holds for that epoch only
   */
  joined(room: string, since: Position, epoch?: string): void {
    this.#since.set(room, { position: since, epoch });
  }

  /** Records a room that the client joins now. @param point the position of the join, or a promise of it */
  joinedNow(room: string, point: ResumePoint | Promise<ResumePoint>): void {
    if (!(point instanceof Promise)) return this.joined(room, point.position, point.epoch);
    const pending = { position: Infinity, epoch: undefined };
    this.#since.set(room, pending);
    point.then(
      ({ position, epoch }) => {
        // Unless the client has left and joined again, or its session knows an earlier join.
        if (this.#since.get(room) === pending) this.joined(room, position, epoch);
      },
      () => {},
    );
  }

  has(room: string): boolean {
    return this.#since.has(room);
  }

  /** Position after which the client receives events of a room: 0 for all missed ones. */
  since(room: string, epoch?: string): Position {
    const since = this.#since.get(room);
    if (since === undefined) return 0;
    // Every event of a later epoch is newer than the join.
    return since.epoch === undefined || epoch === undefined || since.epoch === epoch ? since.position : 0;
  }

  /** Returns whether an event is in a room of the client whose events the client receives. */
  receives({ rooms, position, epoch }: RoomMessage): boolean {
    return rooms.some((room) => this.#client.in(room) && position > this.since(room, epoch));
  }
}
