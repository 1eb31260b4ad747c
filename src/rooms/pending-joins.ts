import type { SseClient } from '../connection/sse-client.js';
import { EVERYONE } from '../protocol/input/room-name.js';

/** Returns whether a client receives the events of a room: it is in the room, and its join is not pending. */
export function receives(client: SseClient, room: string): boolean {
  return room === EVERYONE || (client.isIn(room) && client.joining?.has(room) !== true);
}

/** Records that a client receives a room, or has left it. */
export function endPendingJoin(client: SseClient, room: string): void {
  if (client.joining?.delete(room) === true && client.joining.size === 0) client.joining = undefined;
}

interface WaitingJoin {
  readonly room: string;
  isCancelled: boolean;
}

/**
 * Joins that wait for the opening of a stream, an answer of the application or an earlier replay. A leave that comes meanwhile
 * cancels them: done later, they would undo it.
 */
export class WaitingJoins {
  readonly #byClient = new Map<SseClient, Set<WaitingJoin>>();

  /** @param join is told by its argument whether the client has left the room since */
  async run<T>(
    client: SseClient,
    room: string,
    join: (isCancelled: () => boolean) => Promise<T>,
  ): Promise<T> {
    const waiting: WaitingJoin = { room, isCancelled: false };
    const joins = this.#byClient.get(client) ?? new Set();
    this.#byClient.set(client, joins.add(waiting));
    try {
      return await join(() => waiting.isCancelled);
    } finally {
      joins.delete(waiting);
      if (joins.size === 0) this.#byClient.delete(client);
    }
  }

  /** @param room `'*'` for all rooms */
  cancel(client: SseClient, room: string): void {
    for (const join of this.#byClient.get(client) ?? [])
      if (room === EVERYONE || room === join.room) join.isCancelled = true;
  }
}
