import type { SseClient } from '../../connection/sse-client.js';
import type { SseMetrics } from '../../metrics/sse-metrics.interface.js';
import type { ResumePoint } from '../../protocol/position.js';
import { gapFrame, positionFrame } from './control-events.js';
import type { Partitions } from '../partitions/partitions.js';
import type { LaterRooms } from '../partitions/partitions-listener.interface.js';
import { roomsOf } from '../room-registry.js';
import type { ClientResumes } from './client-resumes.js';
import { startInOtherEpoch } from './starting-position.js';

/** Sends `sse:gap` to clients with open streams when the broker has lost events. */
export class LossNotifier {
  readonly #clients: ReadonlySet<SseClient>;
  readonly #partitions: Partitions;
  readonly #metrics: Pick<SseMetrics, 'gapSent'>;
  readonly #resumes: Pick<ClientResumes, 'refresh'>;

  constructor(
    clients: ReadonlySet<SseClient>,
    partitions: Partitions,
    metrics: Pick<SseMetrics, 'gapSent'>,
    resumes: Pick<ClientResumes, 'refresh'>,
  ) {
    this.#resumes = resumes;
    this.#metrics = metrics;
    this.#clients = clients;
    this.#partitions = partitions;
  }

  /**
   * A partition began a new epoch: moves the clients of its rooms to it, since positions of the old one are void.
   *
   * @param current the new epoch, and a position of it that later events are after
   */
  notifyEpochChange(
    partition: number,
    { epoch, position: current }: ResumePoint,
    laterRooms: LaterRooms,
  ): void {
    const { position: delivered } = this.#partitions.positionOf(partition);
    let concerned = 0;
    for (const client of this.#clients) {
      const { connection } = client;
      const rooms = this.#partitions.group(roomsOf(client));
      const lost = connection.tracksPosition ? rooms.get(partition) : undefined;
      if (lost === undefined) continue;
      const point = connection.cursor.point(partition);
      // The client resumed with an id of the new epoch, from a node that received the change first.
      if (point.epoch === epoch) continue;
      // A client that is still catching up reads history from its own position.
      const isLive = connection.gate === undefined;
      const start = startInOtherEpoch(point.position, isLive ? delivered : 0, current);
      connection.cursor.move(partition, { epoch, position: start });
      if (isLive && start > delivered) connection.cursor.countRoomsFrom(partition, start);
      connection.deliver(gapFrame(this.#named(client, lost, laterRooms), 'epoch'));
      concerned++;
      this.#resumes.refresh(client);
      // The position of a client that is still catching up is not known yet.
      if (!isLive) continue;
      const streamPosition = new Map(
        Array.from(rooms.keys(), (each) => [each, connection.cursor.point(each)]),
      );
      connection.deliver(positionFrame(this.#partitions.format(streamPosition)));
    }
    if (concerned > 0) this.#metrics.gapSent?.('epoch', concerned);
  }

  /** The broker caught up after an outage, and history did not reach back far enough for these rooms. */
  notifyGap(rooms: readonly string[], laterRooms: LaterRooms): void {
    let concerned = 0;
    for (const client of this.#clients) {
      const lost = client.connection.tracksPosition ? rooms.filter((room) => client.in(room)) : [];
      if (lost.length === 0) continue;
      client.connection.deliver(gapFrame(this.#named(client, lost, laterRooms), 'trimmed'));
      concerned++;
      this.#resumes.refresh(client);
    }
    if (concerned > 0) this.#metrics.gapSent?.('trimmed', concerned);
  }

  /** Adds the client's rooms in other partitions whose copy of a lost event it was not sent. @param lost rooms of one partition */
  #named(client: SseClient, lost: readonly string[], laterRooms: LaterRooms): string[] {
    const later = lost.flatMap((room) => [...(laterRooms.get(room) ?? [])]).filter((room) => client.in(room));
    return [...new Set([...lost, ...later, ...this.#roomsOfPendingCopies(client, lost)])];
  }

  /**
   * The client's rooms in later partitions that are still interrupted. Their copy of a lost event arrives when they have
   * caught up. A client that is cut before has an id that lies behind the lost copy, and the next node would take that copy
   * for received.
   */
  #roomsOfPendingCopies(client: SseClient, lost: readonly string[]): string[] {
    const { states } = this.#partitions;
    if (states.least === 'live') return [];
    const earliest = Math.min(...lost.map((room) => this.#partitions.partitionOf(room)));
    return roomsOf(client).filter((room) => {
      const partition = this.#partitions.partitionOf(room);
      return partition > earliest && !states.isLive(partition);
    });
  }
}
