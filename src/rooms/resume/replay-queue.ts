import type { SseClient } from '../../connection/sse-client.js';
import { attach, replayNewest } from './attach.js';
import type { Partitions } from '../partitions.js';
import type { RoomPolicy } from '../room-policy.js';
import { roomsOf, type RoomRegistry } from '../room-registry.js';

/** When a client whose stream is open is brought to live. */
export interface AttachTiming {
  /** Whether the stream begins with `sse:ready`, if it has rooms. */
  readonly ready: boolean;
  /** Not before the next turn of the event loop: rooms that it joins in this one are resumed too. */
  readonly nextTurn?: boolean;
}

/**
 * Runs what reads history for a client, one at a time: its gate is one. A client whose history cannot be read is cut,
 * and comes back for it with the same position.
 */
export class ReplayQueue {
  readonly #partitions: Partitions;
  readonly #rooms: RoomRegistry;
  readonly #policy: RoomPolicy;
  readonly #report: (error: unknown) => void;

  constructor(
    partitions: Partitions,
    rooms: RoomRegistry,
    policy: RoomPolicy,
    report: (error: unknown) => void,
  ) {
    this.#partitions = partitions;
    this.#rooms = rooms;
    this.#policy = policy;
    this.#report = report;
  }

  /**
   * Sends what comes before the live events, `sse:ready` and what a resuming client has missed, and opens the gate.
   * Never rejects.
   */
  attach(client: SseClient, { ready, nextTurn }: Required<AttachTiming>): Promise<void> {
    if (client.connection.gate === undefined) return Promise.resolve();
    if (!nextTurn && !client.tracksPosition) return Promise.resolve(client.connection.openGate());
    client.resumesNextTurn = nextTurn && (client.lastEventId ?? '') !== '';
    return this.#inTurn(client, async () => {
      if (nextTurn) await new Promise(setImmediate);
      client.resumesNextTurn = false;
      if (!client.tracksPosition) return client.connection.openGate();
      for (const name of roomsOf(client)) await this.#rooms.get(name)?.subscribed;
      if (client.isClosed) return;
      await attach(client, this.#partitions, {
        history: this.#policy.keepsHistory,
        ready,
        rooms: () => roomsOf(client),
        sinceOf: (room) => this.#rooms.get(room)?.subscribedSince ?? 0,
      });
    });
  }

  /** Lets a client whose stream is open join a room, with the newest events of its history. Never rejects. */
  async join(client: SseClient, name: string, count: number): Promise<boolean> {
    let joined = false;
    await this.#inTurn(client, async () => {
      if (client.isClosed || client.isIn(name)) return;
      client.connection.shutGate();
      joined = true;
      const from = this.#partitions.streamPosition([...roomsOf(client), name]);
      const room = this.#rooms.join(client, name);
      client.joinedBeforeSubscribed = room.subscribed !== undefined;
      await room.subscribed;
      await replayNewest(client, this.#partitions, {
        room: name,
        since: room.subscribedSince,
        count,
        from,
        rooms: () => roomsOf(client),
      });
    });
    return joined;
  }

  #inTurn(client: SseClient, work: () => Promise<void>): Promise<void> {
    const turn = (client.attached === undefined ? work() : client.attached.then(work)).catch(
      (error: unknown) => {
        this.#report(error);
        client.connection.close('broker-unavailable');
      },
    );
    client.attached = turn;
    void turn.then(() => {
      if (client.attached === turn) client.attached = undefined;
    });
    return turn;
  }
}
