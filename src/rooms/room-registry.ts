import type { Observable } from 'rxjs';
import { IsolatedObservable } from '../callbacks/isolated-observable.js';
import type { SseClient } from '../connection/sse-client.js';
import type { RoomMessage } from '../protocol/room-message.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import type { Position } from '../protocol/position.js';
import { isThenable } from '../protocol/thenable.js';
import type { HubOptions } from './room-hub.interface.js';
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
  readonly #rooms = new Map<string, Room>();
  #isStarted = false;
  /** The room of all clients, which always exists. */
  readonly roomOfAll = new Room(EVERYONE);

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
    return name === EVERYONE ? this.roomOfAll : this.#rooms.get(name);
  }

  get count(): number {
    return this.#rooms.size;
  }

  names(): string[] {
    return [...this.#rooms.keys()];
  }

  /** Adds a client to a room. @returns the room */
  /** Pending while the broker does not deliver each room of the client to this node yet. */
  whenAllSubscribed(client: SseClient): Promise<void> | undefined {
    const pending = roomsOf(client).flatMap((name) => this.get(name)?.subscribed ?? []);
    return pending.length === 0 ? undefined : Promise.all(pending).then(() => {});
  }

  join(client: SseClient, name: string): Room {
    const room = this.#getOrSubscribe(name);
    room.add(client);
    client.enter(name);
    this.#setJoinPosition(client, room);
    this.#options.observer?.clientJoined(client, name);
    return room;
  }

  leave(client: SseClient, name: string): void {
    if (!client.exit(name)) return;
    client.connection.cursor.left(name);
    const room = this.#rooms.get(name);
    room?.delete(client);
    this.#options.observer?.clientLeft(client, name);
    if (room?.isIdle) this.#remove(room);
  }

  leaveAll(client: SseClient): void {
    for (const name of client.roomNames()) this.leave(client, name);
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

  #getOrSubscribe(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = new Room(name);
    this.#rooms.set(name, room);
    this.#subscribe(room);
    return room;
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
    if (this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    // A broker of the application may throw, or return no promise: the client that left is forgotten all the same.
    void (async () => this.#partitions.of(room.name).unsubscribe(room.name))().catch(this.#onBrokerFailure);
  }
}

/** The client's rooms, with `'*'` first. */
export function roomsOf(client: SseClient): string[] {
  return [EVERYONE, ...client.roomNames()];
}
