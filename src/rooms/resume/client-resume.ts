import type { SseClient } from '../../connection/sse-client.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import { roomsOf, type RoomRegistry } from '../room-registry.js';
import { gapFrame, positionFrame, readyFrame } from './control-events.js';
import { gravestReason } from './gaps.js';
import type { FirstRead, ResumeServices } from './first-read.interface.js';
import {
  isReceivedElsewhere,
  recordLosses,
  roomsOfLaterCopies,
  roomsOfOvertakenCopies,
} from './missed-copies.js';
import { MissedEvents, replay } from './missed-events.js';
import {
  haveSameEpochs,
  moveToJoinPosition,
  moveToRequestedPosition,
  streamPositionOf,
} from './starting-position.js';

/**
 * Brings one client from a shut gate to live delivery, after its stream has opened or when it joins a room with `replay`.
 * `ClientResumes` drops it when the client is live, so that an idle client costs no memory here.
 */
export class ClientResume {
  readonly #client: SseClient;
  readonly #partitions: Partitions;
  readonly #rooms: RoomRegistry;
  readonly #hasHistory: boolean;
  /**
   * True if the client, before its stream opened, joined a room that the broker did not deliver to this node yet. The gate
   * lacks the events until the subscription, so history is read for them.
   */
  joinedBeforeSubscribed = false;
  /** True if `attach` includes rooms that the client joins now: a `Last-Event-ID` then replaces their `replay`. */
  includesNewRooms = false;
  /** Settles when the client is live. Replaced while another run waits. */
  finished: Promise<void> | undefined;

  constructor(client: SseClient, { partitions, rooms, hasHistory }: ResumeServices) {
    this.#client = client;
    this.#partitions = partitions;
    this.#rooms = rooms;
    this.#hasHistory = hasHistory;
  }

  /**
   * Brings a client whose stream has opened to live delivery.
   *
   * @param ready whether the stream begins with `sse:ready`
   */
  attach(ready: boolean): Promise<void> {
    return this.#catchUp(
      async () => {
        for (const name of this.#roomNames()) await this.#rooms.get(name)?.subscribed;
      },
      () => this.#start(ready),
    );
  }

  /** Adds a live client to a room, and sends it the newest `count` events of the room's history. */
  join(name: string, count: number): Promise<void> {
    const client = this.#client;
    client.connection.shutGate();
    const from = this.#partitions.streamPosition([...this.#roomNames(), name]);
    const room = this.#rooms.join(client, name);
    const { subscribed } = room;
    return this.#catchUp(
      async () => subscribed,
      async () => {
        const partition = this.#partitions.partitionOf(name);
        // Newer events are held by the gate, or dropped from it to be read again, and follow.
        const until = Math.max(room.subscribedSince, from.get(partition)?.position ?? 0);
        const { messages } = await this.#partitions.read(partition, [name], undefined, count);
        const newest = messages.filter(({ position }) => position <= until);
        await replay(client.connection, newest, ({ frame }) => frame.anonymous);
        const isMissed = (message: RoomMessage): boolean =>
          message.position > until || message.rooms.some((each) => each !== name && client.in(each));
        return { from, isNeeded: subscribed !== undefined, isMissed };
      },
    );
  }

  /**
   * Runs the four steps that bring a client to live delivery. Their order makes a resume exact: an event published at any
   * time is in history, in the gate, or in both. An event in both is sent once, since the cursor skips positions that it has
   * passed. With two steps exchanged, an event published between them would be lost.
   *
   * @param becomeMember settles when the broker delivers the client's rooms to this node
   * @param start sends the events before the missed ones
   */
  async #catchUp(becomeMember: () => Promise<void>, start: () => Promise<FirstRead>): Promise<void> {
    const { connection } = this.#client;

    // Step 1, member: the gate is shut, and holds every event of the client's rooms from the subscription on.
    await becomeMember();
    if (connection.isClosed) return;
    const firstRead = await start();
    if (connection.isClosed) return;

    // Steps 2 and 3, read history and send the missed events.
    let position = firstRead.from;
    const heldFrom = firstRead.heldFrom ?? firstRead.from;
    if (firstRead.isNeeded)
      position = await this.#sendMissed(await this.#read(position), { ...firstRead, heldFrom });
    // A gate over its limit has dropped events that history has: these are missed ones, too.
    while (connection.gate?.overflowed) {
      for (const frame of connection.gate.take()) this.#push(frame);
      position = await this.#sendMissed(await this.#read(position), { heldFrom });
    }

    // Step 4, send what the gate holds, without the events that were sent in step 3. The client is live.
    connection.openGate();
  }

  /** Sends `sse:ready`, for a resuming client after the first read, and moves the cursor to the client's position. */
  async #start(ready: boolean): Promise<FirstRead> {
    const client = this.#client;
    const { lastEventId } = client;
    if (!this.#hasHistory || lastEventId === undefined || lastEventId === '') return this.#startNew(ready);
    // The position at the time the gate was shut: held events are newer.
    const gatePosition = this.#streamPosition();
    let requested = this.#partitions.parse(lastEventId);
    let current = gatePosition;
    if (requested === undefined || !haveSameEpochs(requested, gatePosition)) {
      // Another node may have received a new epoch or a position in the future that this node does not know yet.
      current = await this.#partitions.currentPosition(this.#roomNames());
      requested = this.#partitions.parse(lastEventId, current);
      if (client.isClosed) return { from: gatePosition, isNeeded: false };
    }
    const resumable = requested === undefined ? [] : moveToRequestedPosition(client, requested, current);
    if (resumable.length === 0) {
      if (ready) this.#push(readyFrame(client.id, 'none', undefined));
      this.#push(gapFrame(this.#roomNames(), requested === undefined ? 'invalid' : 'epoch'));
      this.#push(positionFrame(this.#partitions.format(gatePosition)));
      return { from: gatePosition, isNeeded: this.joinedBeforeSubscribed };
    }
    const lostRooms = this.#roomNames().filter(
      (room) => !resumable.includes(this.#partitions.partitionOf(room)),
    );
    return {
      from: this.#streamPosition(),
      heldFrom: gatePosition,
      isNeeded: true,
      lostRooms,
      lostFrom: new Map(
        Array.from(this.#partitions.group(lostRooms).keys(), (partition) => [
          partition,
          requested?.get(partition)?.position ?? 0,
        ]),
      ),
      // With the client's own position: a connection cut before the missed events must not skip them.
      onRead: (complete) => {
        if (ready) this.#push(readyFrame(client.id, complete ? 'full' : 'partial', lastEventId));
      },
    };
  }

  #startNew(ready: boolean): FirstRead {
    const client = this.#client;
    if (this.joinedBeforeSubscribed) {
      const sinceOf = (room: string): number => this.#rooms.get(room)?.subscribedSince ?? 0;
      moveToJoinPosition(client, this.#partitions, this.#roomNames(), sinceOf);
    }
    const from = this.#streamPosition();
    const id = this.#hasHistory ? this.#partitions.format(from) : undefined;
    if (ready) this.#push(readyFrame(client.id, 'none', id));
    return { from, isNeeded: this.joinedBeforeSubscribed };
  }

  #read(from: StreamPosition): Promise<MissedEvents> {
    const { cursor } = this.#client.connection;
    return MissedEvents.read(
      this.#partitions,
      this.#roomNames(),
      (partition) => from.get(partition) ?? cursor.point(partition),
    );
  }

  /** Sends missed events as the socket drains, after the `sse:gap` that they need. @returns the client's position then */
  async #sendMissed(
    missed: MissedEvents,
    options: Omit<Partial<FirstRead>, 'heldFrom'> & { readonly heldFrom: StreamPosition },
  ): Promise<StreamPosition> {
    const client = this.#client;
    const { connection } = client;
    const { cursor } = connection;
    const { heldFrom, lostRooms = [], lostFrom, onRead, isMissed = () => true } = options;
    const { reached } = missed;
    if (connection.isClosed) return reached;
    const gaps = missed.gaps(this.#partitions.group(this.#roomNames()));
    recordLosses(client, missed.pages, gaps);
    if (lostFrom !== undefined) {
      const later = await roomsOfLaterCopies(
        client,
        this.#partitions,
        missed.pages,
        missed.lostFrom(gaps, lostFrom),
      );
      if (connection.isClosed) return reached;
      if (later.length > 0) gaps.push({ lost: later, reason: 'trimmed' });
    }
    if (lostRooms.length > 0) gaps.unshift({ lost: lostRooms, reason: 'epoch' });
    const messages = missed.messages().filter((message) => {
      const { except } = message;
      if (except !== undefined && client.isAmong(except)) return false;
      return !isReceivedElsewhere(client, message, missed.pages, heldFrom) && isMissed(message);
    });
    const overtaken = roomsOfOvertakenCopies(client, messages, gaps);
    if (overtaken.length > 0) gaps.push({ lost: overtaken, reason: 'trimmed' });
    const lost = [...new Set(gaps.flatMap((gap) => gap.lost))];
    onRead?.(lost.length === 0);
    // Before any id that moves the client past the gap: a connection cut at any byte loses nothing unnoticed.
    if (lost.length > 0) this.#push(gapFrame(lost, gravestReason(gaps)));
    await replay(connection, messages, ({ frame }) => frame);
    if (connection.isClosed) return reached;
    for (const [partition, point] of reached) cursor.move(partition, point);
    // Where events were sent, their ids have moved the client.
    if (connection.tracksPosition && messages.length === 0 && missed.hasMoved)
      this.#push(positionFrame(this.#partitions.format(reached)));
    return reached;
  }

  /** The current rooms of the client, with `'*'`: they may change during each `await`. */
  #roomNames(): string[] {
    return roomsOf(this.#client);
  }

  #streamPosition(): StreamPosition {
    return streamPositionOf(this.#client, this.#partitions, this.#roomNames());
  }

  /** Sends past the gate. A client never counts as slow during its resume. */
  #push(frame: SseFrame): void {
    this.#client.connection.push(frame, false);
  }
}
