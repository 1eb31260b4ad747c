import type { SseClient } from '../../connection/sse-client.js';
import { gapFrame, positionFrame } from './control-events.js';
import type { LaterRooms, Partitions } from '../partitions.js';
import { roomsOf } from '../room-registry.js';

/** What clients whose streams are open are told of the broker's losses. */
export class LossNotifier {
  readonly #clients: ReadonlySet<SseClient>;
  readonly #partitions: Partitions;

  constructor(clients: ReadonlySet<SseClient>, partitions: Partitions) {
    this.#clients = clients;
    this.#partitions = partitions;
  }

  /** The memory of a partition began anew: positions of the old one mean nothing any more. */
  epoch(partition: number, epoch: string, laterRooms: LaterRooms): void {
    const { position } = this.#partitions.positionOf(partition);
    for (const client of this.#clients) {
      const { connection, tracksPosition } = client;
      const rooms = this.#partitions.group(roomsOf(client));
      const lost = tracksPosition ? rooms.get(partition) : undefined;
      if (lost === undefined) continue;
      const own = connection.cursor.point(partition);
      // It came with an id of the new memory from a node that knew of it first.
      if (own.epoch === epoch) continue;
      // Positions of the new memory may be smaller, where a clock was set back.
      connection.cursor.move(partition, { epoch, position: Math.min(own.position, position) });
      connection.deliver(gapFrame(withLaterRooms(client, lost, laterRooms), 'epoch'));
      // Where a client that is still being sent what it missed will stand is not known yet.
      if (connection.gate !== undefined) continue;
      const place = new Map(Array.from(rooms.keys(), (each) => [each, connection.cursor.point(each)]));
      connection.deliver(positionFrame(this.#partitions.format(place.set(partition, { epoch, position }))));
    }
  }

  /** The broker's own catching up did not reach back far enough. */
  gap(rooms: readonly string[], laterRooms: LaterRooms): void {
    for (const client of this.#clients) {
      const own = client.tracksPosition ? rooms.filter((room) => client.in(room)) : [];
      if (own.length === 0) continue;
      client.connection.deliver(gapFrame(withLaterRooms(client, own, laterRooms), 'trimmed'));
    }
  }
}

/** Adds the client's rooms in other partitions whose copy of a lost event it was not sent. */
function withLaterRooms(client: SseClient, lost: readonly string[], laterRooms: LaterRooms): string[] {
  const later = lost.flatMap((room) => [...(laterRooms.get(room) ?? [])]).filter((room) => client.in(room));
  return [...new Set([...lost, ...later])];
}
