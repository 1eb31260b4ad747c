import type { RestoredRoom } from '../../connection/client-session.interface.js';
import type { SseClient } from '../../connection/sse-client.js';
import type { Position } from '../../protocol/position.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import { endPendingJoin } from '../pending-joins.js';
import { roomsOf } from '../room-registry.js';
import { gapFrame, readyText } from '../resume/control-events.js';
import type { FirstRead, ResumeServices } from '../resume/first-read.interface.js';
import type { LateRooms } from '../resume/late-rooms.js';
import { streamPositionOf } from '../resume/starting-position.js';

/** The session of a client whose stream has come back. */
export class RestoredSession {
  readonly #client: SseClient;
  readonly #services: ResumeServices;
  readonly #late: LateRooms;
  readonly #rooms: RestoredRoom[] = [];
  /** True if a client that has received events before comes back to a session that is gone, or that may lack its last joins. */
  isGone = false;

  constructor(client: SseClient, services: ResumeServices, late: LateRooms) {
    this.#client = client;
    this.#services = services;
    this.#late = late;
  }

  /**
   * Joins the client to the rooms of its session. It receives their events from the position of the join on: a session is
   * never resumed from before the moment in which it joined a room.
   *
   * Example: a client resumes after position 10, and its session joined room `b` at 40. Of `b` it receives the events after
   * 40, of the rooms of its request those after 10. A client that resumes after 60 receives those after 60 of both.
   */
  async restore(): Promise<void> {
    const client = this.#client;
    const stored = await client.session?.restore();
    await this.#untilAfter(stored?.rooms ?? []);
    for (const each of stored?.rooms ?? []) {
      if (client.isClosed) return;
      const { room, epoch, position } = each;
      // The request has named it too: then it is resumed like the other rooms of the request.
      if (client.isIn(room) && !this.#late.has(room)) continue;
      if (!client.isIn(room)) this.#services.rooms.join(client, room);
      // The session has joined it before the join that waits.
      endPendingJoin(client, room);
      this.#late.joined(room, position, epoch);
      this.#rooms.push(each);
    }
    this.isGone = stored?.isNew === true && (client.lastEventId ?? '') !== '';
  }

  /**
   * Waits until this node has delivered what was published before the joins, so that the client receives it neither live nor
   * from the gate.
   *
   * Example: the session joined room `b` at 40, and this node, whose connection was cut, has delivered everything up to 30.
   */
  async #untilAfter(rooms: readonly RestoredRoom[]): Promise<void> {
    const { partitions } = this.#services;
    const behind = rooms.filter(({ room, epoch, position }) => {
      const node = partitions.positionOf(partitions.partitionOf(room));
      return node.epoch !== epoch || node.position < position;
    });
    const brokers = new Set(behind.map(({ room }) => partitions.of(room)));
    await Promise.all(Array.from(brokers, async (broker) => broker.whenCurrent?.()));
  }

  /** Records that the broker has a new history: with the end of the old one, joins of the session may be lost. */
  mayLackJoins(): void {
    this.isGone = this.#client.session !== undefined;
  }

  /** Sets the position of the restored rooms in the cursor of the client, for events that several partitions have. */
  countFromJoins(): void {
    const { cursor } = this.#client.connection;
    for (const { room } of this.#rooms) {
      const { epoch } = cursor.point(this.#services.partitions.partitionOf(room));
      cursor.joined(room, this.#late.since(room, epoch));
    }
  }

  /**
   * Moves a client without a `Last-Event-ID` to the joins of its restored rooms: it was cut before its first event. The rooms
   * of its request begin now, as for any new client.
   *
   * Example: the session joined room `b` at 40, and the client comes back at 100. History is read after 40; of the rooms of
   * the request, the events after 100 are sent.
   *
   * @returns `undefined` without restored rooms
   */
  async moveToJoins(): Promise<FirstRead | undefined> {
    if (this.#rooms.length === 0 || !this.#services.hasHistory) return undefined;
    const client = this.#client;
    const late = this.#late;
    const { partitions } = this.#services;
    const all = roomsOf(client);
    const gatePosition = streamPositionOf(client, partitions, all);
    const isKnown = this.#rooms.every(
      ({ room, epoch }) => gatePosition.get(partitions.partitionOf(room))?.epoch === epoch,
    );
    // Another node may have received a new epoch that this node does not know yet.
    const current: StreamPosition = isKnown
      ? gatePosition
      : await partitions.livePosition(all, client.signal);
    for (const room of all) {
      const point = gatePosition.get(partitions.partitionOf(room));
      if (!late.has(room)) late.joined(room, point?.position ?? 0, point?.epoch);
    }
    const lostRooms: string[] = [];
    const starts = new Map<number, Position>();
    for (const { room, epoch, position } of this.#rooms) {
      const partition = partitions.partitionOf(room);
      const point = current.get(partition);
      if (point?.epoch === epoch) {
        starts.set(partition, Math.min(position, point.position, starts.get(partition) ?? Infinity));
      } else {
        lostRooms.push(room);
        late.joined(room, gatePosition.get(partition)?.position ?? 0);
      }
    }
    for (const [partition, position] of starts)
      client.connection.cursor.move(partition, { epoch: current.get(partition)?.epoch ?? '', position });
    this.countFromJoins();
    return {
      from: streamPositionOf(client, partitions, all),
      heldFrom: gatePosition,
      isNeeded: true,
      lostRooms,
    };
  }

  /**
   * Sends `sse:ready`, and the gap of a session that is gone: its rooms are not known any more.
   *
   * @param ready `false` for a stream without `sse:ready`
   */
  sendReady(ready: boolean, resumed: 'full' | 'partial' | 'none', id: string | undefined): void {
    const { connection, session } = this.#client;
    const rooms = this.#rooms.flatMap(({ room }) => (this.#client.isIn(room) ? [room] : []));
    const restored = session === undefined ? undefined : rooms;
    if (ready) connection.push(new SseFrame(readyText(this.#client, resumed, id, restored)), false);
    if (!this.isGone) return;
    connection.push(gapFrame([], 'session'), false);
    this.#services.metrics.gapSent?.('session', 1);
  }
}
