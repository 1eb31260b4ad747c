import type { SseClient } from '../../connection/sse-client.js';
import { hasReplay, type Replay } from '../../protocol/input/replay-option.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import { RestoredSession } from '../restore/restored-session.js';
import { roomsOf, type RoomRegistry } from '../room-registry.js';
import type { StateSnapshot } from '../state-snapshot.interface.js';
import { gapFrame, positionFrame } from './control-events.js';
import type { FirstRead, ResumeServices } from './first-read.interface.js';
import { LateRooms } from './late-rooms.js';
import { MissedReplay } from './missed-replay.js';
import { replayNewest } from './replay-newest.js';
import { sendStateAfterGap } from './state-after-gap.js';
import {
  haveSameEpochs,
  moveToJoinPosition,
  moveToRequestedPosition,
  positionsIn,
  readCurrentPosition,
  streamPositionOf,
} from './starting-position.js';

/** The beginning of a stream that has opened. */
type Beginning = { readonly ready: boolean; readonly newest: Replay | undefined } & {
  readonly late: LateRooms;
  readonly session: RestoredSession;
};

/**
 * Brings one client from a shut gate to live delivery, after its stream has opened or when it joins a room with `replay`.
 * `ClientResumes` drops it when the client is live, so that an idle client costs no memory here.
 */
export class ClientResume {
  readonly #client: SseClient;
  readonly #partitions: Partitions;
  readonly #rooms: RoomRegistry;
  readonly #services: ResumeServices;
  /**
   * True if the client, before its stream opened, joined a room that the broker did not deliver to this node yet. The gate
   * lacks the events until the subscription, so history is read for them.
   */
  joinedBeforeSubscribed = false;
  /** True if `attach` includes rooms that the client joins now: a `Last-Event-ID` then replaces their `replay`. */
  includesNewRooms = false;
  #late: LateRooms | undefined;
  /** The state of the client's endpoint; `undefined` without one. */
  snapshot: StateSnapshot | undefined;
  /** True if the client was sent a gap by the first step, and no state since. */
  #lacksState = false;
  /** Settles when the client is live. Replaced while another run waits. */
  finished: Promise<void> | undefined;

  constructor(client: SseClient, services: ResumeServices) {
    this.#client = client;
    this.#services = services;
    this.#partitions = services.partitions;
    this.#rooms = services.rooms;
  }

  /**
   * Brings a client whose stream has opened to live delivery.
   *
   * @param ready whether the stream begins with `sse:ready`
   * @param newest events that a client without a `Last-Event-ID` receives first
   */
  attach(ready: boolean, newest: Replay | undefined): Promise<void> {
    const late = new LateRooms(this.#client);
    const session = new RestoredSession(this.#client, this.#services, late);
    return this.#catchUp(
      async () => {
        await session.restore();
        await this.#rooms.whenAllSubscribed(this.#client);
      },
      () => this.#start({ ready, newest, late, session }),
      late,
    );
  }

  /** Sends the state again to a live client that was sent a gap. */
  refresh(): Promise<void> {
    this.#client.connection.shutGate();
    return this.#catchUp(
      async () => {},
      async () => {
        this.#lacksState = true;
        return { from: this.#streamPosition(), isNeeded: false };
      },
    );
  }

  /**
   * Adds a live client to a room, and sends it events of the room's history.
   *
   * @param inOrderIn as in `RunTimeJoin`
   */
  join(name: string, amount: Replay, inOrderIn: number | undefined): Promise<void> {
    const client = this.#client;
    client.connection.shutGate();
    const partition = this.#partitions.partitionOf(name);
    const from = this.#partitions.streamPosition([...this.#roomNames(), name]);
    const isCurrent = this.#partitions.whenCurrent(name, inOrderIn);
    const { subscribed } = this.#rooms.join(client, name, { atRunTime: true, isCurrent });
    const point = this.#rooms.joinPointOf(client, name);
    const late = new LateRooms(client);
    late.joinedNow(name, point);
    return this.#catchUp(
      async () => void (await point),
      async () => {
        // Newer events are held by the gate, or dropped from it to be read again, and follow.
        const { position: until } = await point;
        await replayNewest(client, this.#partitions, { partition, rooms: [name], amount, until });
        return { from, isNeeded: subscribed !== undefined };
      },
      late,
    );
  }

  /** Records that the client joined a room during its resume: it receives the events of the room from the join on. */
  joined(name: string): void {
    this.#late?.joinedNow(name, this.#rooms.joinPointOf(this.#client, name));
  }

  /**
   * Runs the four steps that bring a client to live delivery. Their order makes a resume exact: an event published at any
   * time is in history, in the gate, or in both. An event in both is sent once, since the cursor skips positions that it has
   * passed. With two steps exchanged, an event published between them would be lost.
   *
   * @param becomeMember settles when the broker delivers the client's rooms to this node
   * @param start sends the events before the missed ones
   */
  async #catchUp(
    becomeMember: () => Promise<void>,
    start: () => Promise<FirstRead>,
    late = new LateRooms(this.#client),
  ): Promise<void> {
    const { connection } = this.#client;
    // From now on other rooms are joined at run time.
    this.#late = late;

    // Step 1, member: the gate is shut, and holds every event of the client's rooms from the subscription on.
    await becomeMember();
    if (connection.isClosed) return;
    const firstRead = await start();
    if (connection.isClosed) return;
    // Steps 2 and 3, read history and send the missed events.
    const replay = new MissedReplay(this.#client, this.#services, late, firstRead);
    await replay.run(firstRead);
    if (this.snapshot !== undefined)
      await sendStateAfterGap(this.#client, this.snapshot, replay, this.#lacksState);
    this.#lacksState = false;
    if (connection.isClosed) return;
    // Step 4, send what the gate holds, without the events that were sent in step 3. The client is live.
    connection.openGate();
  }

  /** Sends `sse:ready`, for a resuming client after the first read, and moves the cursor to the client's position. */
  async #start(beginning: Beginning): Promise<FirstRead> {
    const { ready, session } = beginning;
    const client = this.#client;
    const { lastEventId } = client;
    if (!this.#services.hasHistory || lastEventId === undefined || lastEventId === '')
      return this.#startNew(beginning);
    // The position at the time the gate was shut: held events are newer.
    const gatePosition = this.#streamPosition();
    let requested = this.#partitions.parse(lastEventId);
    let current = gatePosition;
    if (requested === undefined || !haveSameEpochs(requested, gatePosition)) {
      // Another node may have received a new epoch or a position in the future that this node does not know yet.
      current = await readCurrentPosition(client, this.#partitions, this.#roomNames(), requested);
      requested = this.#partitions.parse(lastEventId, current);
      if (client.isClosed) return { from: gatePosition, isNeeded: false };
    }
    const { sameEpoch, hasRestored } =
      requested === undefined
        ? { sameEpoch: [], hasRestored: false }
        : moveToRequestedPosition(client, gatePosition, requested, current);
    session.countFromJoins();
    if (requested !== undefined && sameEpoch.length < current.size) session.mayLackJoins();
    if (sameEpoch.length === 0 && !hasRestored) {
      session.sendReady(ready, 'none', undefined);
      const reason = requested === undefined ? 'invalid' : 'epoch';
      this.#push(gapFrame(this.#roomNames(), reason));
      this.#lacksState = true;
      this.#services.metrics.gapSent?.(reason, 1);
      this.#services.metrics.clientResumed?.('none', 'none');
      const from = this.#streamPosition();
      this.#push(positionFrame(this.#partitions.format(from)));
      return { from, isNeeded: this.joinedBeforeSubscribed };
    }
    const lostRooms = this.#roomNames().filter(
      (room) => !sameEpoch.includes(this.#partitions.partitionOf(room)),
    );
    return {
      from: this.#streamPosition(),
      heldFrom: gatePosition,
      isNeeded: true,
      lostRooms,
      lostFrom: positionsIn(this.#partitions, lostRooms, requested),
      // With the client's own position: a connection cut before the missed events must not skip them.
      onRead: (complete, isLocal) => {
        const outcome = complete && !session.isGone ? 'full' : 'partial';
        session.sendReady(ready, outcome, lastEventId);
        this.#services.metrics.clientResumed?.(outcome, isLocal ? 'node' : 'broker');
      },
    };
  }

  async #startNew({ ready, newest, late, session }: Beginning): Promise<FirstRead> {
    const client = this.#client;
    if (this.joinedBeforeSubscribed) {
      const sinceOf = (room: string): number => this.#rooms.get(room)?.subscribedSince ?? 0;
      moveToJoinPosition(client, this.#partitions, this.#roomNames(), sinceOf);
    }
    const own = client.roomNames().filter((room) => !late.has(room));
    const joins = await session.moveToJoins();
    if (client.isClosed) return { from: this.#streamPosition(), isNeeded: false };
    const newestPosition = joins?.heldFrom ?? this.#streamPosition();
    const from = joins?.from ?? newestPosition;
    const id = this.#services.hasHistory ? this.#partitions.format(from) : undefined;
    const isReplaying = hasReplay(newest);
    const isDelayed = isReplaying || this.snapshot !== undefined;
    // Without the position until the state or the newest events are sent: a client that is cut before begins with them again.
    session.sendReady(ready, 'none', isDelayed ? undefined : id);
    const state = await this.snapshot?.next();
    if (state !== undefined && !client.isClosed) this.#push(state);
    if (isReplaying) {
      for (const [partition, rooms] of this.#partitions.group(own)) {
        const until = newestPosition.get(partition)?.position ?? 0;
        await replayNewest(client, this.#partitions, { partition, rooms, amount: newest, until });
      }
    }
    if (isDelayed && id !== undefined && !client.isClosed) this.#push(positionFrame(id));
    return joins ?? { from, isNeeded: this.joinedBeforeSubscribed };
  }

  /** The current rooms of the client, with `'*'`: they may change during each `await`. */
  readonly #roomNames = (): string[] => roomsOf(this.#client);

  #streamPosition(): StreamPosition {
    return streamPositionOf(this.#client, this.#partitions, this.#roomNames());
  }

  /** Sends past the gate. A client never counts as slow during its resume. */
  #push(frame: SseFrame): void {
    this.#client.connection.push(frame, false);
  }
}
