import type { SseClient } from '../../connection/sse-client.js';
import type { Position, ResumePoint } from '../../protocol/position.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import { roomsOf, type RoomRegistry } from '../room-registry.js';
import { AnnouncedLosses } from './announced-losses.js';
import { gapFrame, positionFrame, type GapReason } from './control-events.js';
import type { FirstRead, ResumeServices } from './first-read.interface.js';
import { gravestReason, type Gap } from './gaps.js';
import type { LateRooms } from './late-rooms.js';
import {
  isReceivedElsewhere,
  recordLosses,
  roomsOfLaterCopies,
  roomsOfOvertakenCopies,
} from './missed-copies.js';
import { MissedEvents, replay } from './missed-events.js';
import { PageReads } from './page-bytes.js';

/**
 * Sends a client the events that it missed, one page of history after the other. The next page is read once the client has
 * taken the one before, so a client that reads slowly holds one page and a position, and no part of history that was
 * trimmed meanwhile.
 */
export class MissedReplay {
  readonly #client: SseClient;
  readonly #partitions: Partitions;
  readonly #rooms: RoomRegistry;
  readonly #late: LateRooms;
  readonly #metrics: ResumeServices['metrics'];
  readonly #announced = new AnnouncedLosses();
  /** True if an `sse:gap` was sent. */
  hasSentGap = false;
  readonly #heldFrom: StreamPosition;
  /**
   * Position after which the gate holds every event, so that history is read up to it only. The events that follow keep
   * their order with those that are not in history.
   */
  #heldSince: StreamPosition;
  /** Position up to which missed events were sent. */
  #from: StreamPosition;
  /** True if no id was sent since the start or since the last gap, so that the client's position lacks what was read. */
  #lacksPosition = true;

  constructor(
    client: SseClient,
    { partitions, rooms, metrics }: Omit<ResumeServices, 'hasHistory'>,
    late: LateRooms,
    first: FirstRead,
  ) {
    this.#client = client;
    this.#partitions = partitions;
    this.#rooms = rooms;
    this.#late = late;
    this.#metrics = metrics;
    this.#heldSince = this.#position();
    this.#from = first.from;
    this.#heldFrom = first.heldFrom ?? first.from;
  }

  /** Position up to which missed events were sent. */
  get from(): StreamPosition {
    return this.#from;
  }

  /** Settles when every event is sent that the gate does not hold, or when the client has closed. */
  async run(first: FirstRead): Promise<void> {
    const { connection } = this.#client;
    let options: Partial<FirstRead> = first;
    for (let isNeeded = first.isNeeded; isNeeded || connection.gate?.overflowed === true; options = {}) {
      // A gate over its limit has dropped events that history has: the next read finds them.
      if (connection.gate?.overflowed === true) {
        for (const frame of connection.gate.take()) connection.push(frame, false);
        this.#heldSince = this.#position();
      }
      const missed = await this.#read();
      if (connection.isClosed) return;
      const isFirst = options === first;
      if (this.#partitions.isPartitioned && (missed.hasMore || !isFirst) && this.#hasGap(missed, options)) {
        await this.#skip(options);
        isNeeded = false;
      } else {
        await this.#send(missed, options);
        isNeeded = missed.hasMore;
      }
      if (connection.isClosed) return;
    }
    // Where events were sent, their ids have moved the client.
    if (connection.tracksPosition && this.#lacksPosition && hasMoved(first.from, this.#from))
      connection.push(positionFrame(this.#partitions.format(this.#from)), false);
  }

  async #read(): Promise<MissedEvents> {
    const { cursor } = this.#client.connection;
    const rooms = roomsOf(this.#client);
    const missed = await MissedEvents.read(
      this.#partitions,
      rooms,
      (partition) => this.#from.get(partition) ?? cursor.point(partition),
      new PageReads(this.#client, this.#partitions.group(rooms).size),
    );
    return missed.upTo(this.#heldSince).alignedTo((each) => this.#endOfCover(new Set(rooms), each));
  }

  /** The position up to which this node has delivered events of the client's rooms, or history has those before it. */
  #position(): StreamPosition {
    const position = new Map<number, ResumePoint>();
    for (const [partition, rooms] of this.#partitions.group(roomsOf(this.#client))) {
      const node = this.#partitions.positionOf(partition);
      const since = rooms.map((room) => this.#rooms.get(room)?.subscribedSince ?? 0);
      position.set(partition, { epoch: node.epoch, position: Math.max(node.position, ...since) });
    }
    return position;
  }

  /**
   * The position up to which a page covers all rooms of the client. A room that was joined during the read is not in the
   * page, and the gate holds its events: a position after them would drop them.
   */
  #endOfCover(read: ReadonlySet<string>, partition: number): Position {
    const joined = this.#client
      .roomNames()
      .filter((room) => !read.has(room) && this.#partitions.partitionOf(room) === partition);
    return Math.min(...joined.map((room) => this.#late.since(room)));
  }

  /** Sends the events of a page as the socket drains, after the `sse:gap` that they need. */
  async #send(missed: MissedEvents, { lostRooms = [], lostFrom, onRead }: Partial<FirstRead>): Promise<void> {
    const client = this.#client;
    const { connection } = client;
    const pageGaps = missed.gaps(this.#partitions.group(roomsOf(client)));
    const losses = missed.withLost(pageGaps, this.#partitions.group(lostRooms));
    recordLosses(client, missed.pages, losses);
    const gaps = pageGaps.map((gap, index) => this.#newIn(gap, missed, index));
    if (lostFrom !== undefined) {
      const lostAfter = missed.lostFrom(pageGaps, lostFrom);
      const later = await roomsOfLaterCopies(client, this.#partitions, missed.pages, lostAfter);
      if (connection.isClosed) return;
      gaps.push({ lost: later, reason: 'trimmed' });
    }
    if (lostRooms.length > 0) gaps.unshift({ lost: lostRooms, reason: 'epoch' });
    // A copy in a room that the client joined after it is not sent, so it replaces no other copy.
    const received = missed.only((message) => this.#late.receives(message)).pages;
    const messages = missed.messages().filter((message) => {
      if (!this.#late.receives(message) || client.isAmong(message.except ?? [])) return false;
      return !isReceivedElsewhere(client, message, received, this.#heldFrom);
    });
    gaps.push({ lost: roomsOfOvertakenCopies(client, messages, missed.pages, losses), reason: 'trimmed' });
    const lost = [...new Set(gaps.flatMap((gap) => gap.lost))];
    onRead?.(lost.length === 0, missed.isLocal);
    // Before any id that moves the client past the gap: a connection cut at any byte loses nothing unnoticed.
    if (lost.length > 0) this.#pushGap(lost, gravestReason(gaps));
    if (lost.length > 0 || messages.length > 0) this.#lacksPosition = messages.length === 0;
    await replay(connection, messages, ({ frame }) => frame);
    if (connection.isClosed) return;
    if (messages.length > 0) this.#metrics.eventsReplayed?.(messages.length);
    for (const [partition, point] of missed.reached) connection.cursor.move(partition, point);
    this.#from = new Map([...this.#from, ...missed.reached]);
  }

  /**
   * Announces a gap of all rooms instead of the events that are left. In a broker with several partitions the copies of one
   * event may lie in different pages: if one copy is lost, no page shows if the client receives the event.
   */
  async #skip({ onRead }: Partial<FirstRead>): Promise<void> {
    const { connection } = this.#client;
    const current = await this.#partitions.currentPosition(roomsOf(this.#client));
    if (connection.isClosed) return;
    onRead?.(false, false);
    this.#pushGap(roomsOf(this.#client), 'trimmed');
    for (const [partition, point] of current) connection.cursor.move(partition, point);
    this.#from = current;
    this.#lacksPosition = true;
  }

  #pushGap(rooms: readonly string[], reason: GapReason): void {
    this.hasSentGap = true;
    this.#client.connection.push(gapFrame(rooms, reason), false);
    this.#metrics.gapSent?.(reason, 1);
  }

  #hasGap(missed: MissedEvents, { lostRooms = [] }: Partial<FirstRead>): boolean {
    const rooms = this.#partitions.group(roomsOf(this.#client));
    return lostRooms.length > 0 || missed.gaps(rooms).some(({ lost }) => lost.length > 0);
  }

  /** The rooms of a page's gap that were not announced to the client yet, and that it was in when the events were lost. */
  #newIn({ lost, reason }: Gap, missed: MissedEvents, index: number): Gap {
    const page = missed.pages[index]?.page;
    if (reason !== 'trimmed' || page === undefined) return { lost, reason };
    const concerned = lost.filter(
      (room) =>
        this.#client.in(room) && (page.lostUpTo?.get(room) ?? Infinity) > this.#late.since(room, page.epoch),
    );
    return { lost: this.#announced.takeNew(concerned, page), reason };
  }
}

/** Returns whether the position differs in at least one partition. */
function hasMoved(from: StreamPosition, to: StreamPosition): boolean {
  return Array.from(to).some(([partition, { position }]) => position !== from.get(partition)?.position);
}
