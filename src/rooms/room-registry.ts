import type { Observable } from 'rxjs';
import { IsolatedObservable } from '../callbacks/isolated-observable.js';
import type { SseClient } from '../connection/sse-client.js';
import type { RoomMessage } from '../protocol/room-message.js';
import { EVERYONE, isInternalRoom } from '../protocol/input/room-name.js';
import type { Position, ResumePoint } from '../protocol/position.js';
import { RoomMap } from '../protocol/collections/room-map.js';
import { ignoreRejection, isThenable } from '../protocol/thenable.js';
import type { HubOptions } from './room-hub.interface.js';
import { endPendingJoin } from './pending-joins.js';
import type { Partitions } from './partitions/partitions.js';
import { Room } from './room.js';

/**
 * The rooms of this node: those with at least one client or subscriber. The first one subscribes the room at the broker. When
 * the last one leaves, the room is unsubscribed and removed.
 */
export class RoomRegistry {
  readonly #partitions: Partitions;
  readonly #onBrokerFailure: (error: unknown) => void;
  readonly #options: Pick<HubOptions, 'observer' | 'callbacks'>;
  readonly #rooms = new RoomMap<Room>();
  /** Rooms of this package. They are in no list and no count. */
  readonly #internal = new RoomMap<Room>();
  #isStarted = false;
  /** The room of all clients, which always exists. */
  readonly roomOfAll = new Room(EVERYONE);
  /** Clients of this package's own pages: they receive no event to all clients, and are in no count. */
  readonly hidden = new Set<SseClient>();

  constructor(
    partitions: Partitions,
    onBrokerFailure: (error: unknown) => void,
    options: Pick<HubOptions, 'observer' | 'callbacks'>,
  ) {
    this.#partitions = partitions;
    this.#onBrokerFailure = onBrokerFailure;
    this.#options = options;
  }

  /**
   * Subscribes the room of all clients, once.
   *
   * @returns `true` if this call has begun it, and the broker does not deliver the room yet
   */
  start(): boolean {
    if (this.#isStarted) return false;
    this.#isStarted = true;
    this.#subscribe(this.roomOfAll);
    return this.roomOfAll.subscribed !== undefined;
  }

  get(name: string): Room | undefined {
    if (name === EVERYONE) return this.roomOfAll;
    return this.#rooms.get(name) ?? this.#internal.get(name);
  }

  get count(): number {
    return this.#rooms.size;
  }

  names(): string[] {
    return [...this.#rooms.keys()];
  }

  /** Pending while the broker does not deliver each room of the client to this node yet. */
  whenAllSubscribed(client: SseClient): Promise<void> | undefined {
    const pending = roomsOf(client).flatMap((name) => this.get(name)?.subscribed ?? []);
    return pending.length === 0 ? undefined : Promise.all(pending).then(() => {});
  }

  /**
   * Adds a client to a room.
   *
   * @param isCurrent settles once this node has delivered every event from before the join; `undefined` where it has. Without
   * `atRunTime` the client receives also such events
   * @returns the room
   */
  join(
    client: SseClient,
    name: string,
    {
      atRunTime = false,
      isCurrent,
    }: { readonly atRunTime?: boolean; readonly isCurrent?: Promise<void> | undefined } = {},
  ): Room {
    const room = this.#getOrSubscribe(name);
    room.add(client);
    // The text of the room, which all its clients share.
    client.enter(room.name);
    const steps = [room.subscribed, isCurrent].flatMap((step) => step ?? []);
    if (atRunTime && steps.length > 0) this.#receiveLater(client, name, steps);
    else this.#setJoinPosition(client, room);
    this.#options.observer?.clientJoined(client, name);
    return room;
  }

  /** The position after which a client that joins a room now receives its events. */
  joinPoint(name: string): ResumePoint {
    const { epoch, position } = this.#partitions.positionOf(this.#partitions.partitionOf(name));
    // The position of a node that subscribes the room for this client may be hours old.
    return { epoch, position: Math.max(position, this.get(name)?.subscribedSince ?? 0) };
  }

  leave(client: SseClient, name: string): void {
    if (!client.exit(name)) return;
    endPendingJoin(client, name);
    client.connection.cursor.left(name);
    const room = this.#rooms.get(name);
    room?.delete(client);
    this.#options.observer?.clientLeft(client, name);
    if (room?.isIdle) this.#remove(room);
  }

  leaveAll(client: SseClient): void {
    for (const name of client.roomNames()) this.leave(client, name);
  }

  /** Takes a client out of the room of all clients. It may be in no other room yet. */
  hide(client: SseClient): void {
    this.roomOfAll.delete(client);
    this.hidden.add(client);
  }

  /** Takes a client whose stream has ended out of every room. */
  forget(client: SseClient): void {
    this.leaveAll(client);
    this.roomOfAll.delete(client);
    this.hidden.delete(client);
  }

  /** Events of a room, for the application. A subscriber counts as interest in the room, as a client does. */
  observe(name: string): Observable<RoomMessage> {
    return new IsolatedObservable('stream()', this.#options.callbacks, (subscriber) => {
      if (name === EVERYONE) this.start();
      const room = name === EVERYONE ? this.roomOfAll : this.#getOrSubscribe(name);
      room.subscriberCount++;
      const subscription = room.subscribe(subscriber);
      return () => {
        subscription.unsubscribe();
        room.subscriberCount--;
        if (room.isIdle && room !== this.roomOfAll) this.#remove(room);
      };
    });
  }

  /** Completes the Observables of the application. */
  close(): void {
    for (const room of [this.roomOfAll, ...this.#rooms.values()]) {
      this.#options.callbacks.run('stream()', () => room.close());
    }
  }

  #roomsWith(name: string): RoomMap<Room> {
    return isInternalRoom(name) ? this.#internal : this.#rooms;
  }

  #getOrSubscribe(name: string): Room {
    const rooms = this.#roomsWith(name);
    const known = rooms.get(name);
    if (known !== undefined) return known;
    const room = new Room(name);
    rooms.set(name, room);
    this.#subscribe(room);
    return room;
  }

  /** As `joinPoint`, or a promise of it while the join of the client is pending. */
  joinPointOf(client: SseClient, name: string): ResumePoint | Promise<ResumePoint> {
    return client.joining?.get(name) ?? this.joinPoint(name);
  }

  /** Holds back the events of a room until this node has delivered those from before the join. */
  #receiveLater(client: SseClient, name: string, steps: readonly Promise<void>[]): void {
    client.connection.cursor.joined(name, undefined);
    const point = Promise.all(steps).then(
      () => {
        const reached = this.joinPoint(name);
        // Unless the client has left the room, or its session knows an earlier join.
        if (client.joining?.get(name) !== point) return reached;
        endPendingJoin(client, name);
        client.connection.cursor.joined(name, reached.position);
        return reached;
      },
      (error: unknown) => {
        if (client.joining?.get(name) === point) endPendingJoin(client, name);
        throw error;
      },
    );
    ignoreRejection(point);
    client.joining ??= new Map();
    client.joining.set(name, point);
  }

  /** Sets, in the cursor of a broker with several partitions, the position after which the client receives the room's events. */
  #setJoinPosition(client: SseClient, { name, subscribed }: Room): void {
    if (!this.#partitions.isPartitioned) return;
    const { connection } = client;
    const partition = this.#partitions.partitionOf(name);
    // A client whose stream is not open yet receives all events since it was registered.
    if (!connection.isOpen)
      return connection.cursor.joined(name, connection.cursor.point(partition).position);
    const joinedNow = (): void =>
      connection.cursor.joined(name, this.#partitions.positionOf(partition).position);
    if (subscribed === undefined) return joinedNow();
    connection.cursor.joined(name, undefined);
    const joinedUnlessLeft = (): void => {
      if (this.get(name)?.has(client) === true) joinedNow();
    };
    subscribed.then(joinedUnlessLeft, () => {});
  }

  #subscribe(room: Room): void {
    const pending = this.#pendingSubscription(room.name);
    if (pending === undefined) return;
    room.subscribed = pending.then((since) => {
      room.subscribedSince = since ?? 0;
      room.subscribed = undefined;
    });
    room.subscribed.catch(this.#onBrokerFailure);
  }

  /** A broker of the application may throw instead of rejecting: the room fails in the same way, and is not left half-made. */
  #pendingSubscription(name: string): Promise<Position | void> | undefined {
    try {
      const pending: unknown = this.#partitions.of(name).subscribe(name);
      return isThenable(pending) ? Promise.resolve(pending as PromiseLike<Position | void>) : undefined;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #remove(room: Room): void {
    // A client may have joined again, which created another room with this name.
    const rooms = this.#roomsWith(room.name);
    if (rooms.get(room.name) !== room) return;
    rooms.delete(room.name);
    // A broker of the application may throw, or return no promise: the client that left is forgotten all the same.
    void (async () => this.#partitions.of(room.name).unsubscribe(room.name))().catch(this.#onBrokerFailure);
  }
}

/** The client's rooms, with `'*'` first. */
export function roomsOf(client: SseClient): string[] {
  return [EVERYONE, ...client.roomNames()];
}
