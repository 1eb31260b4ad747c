import { Observable } from 'rxjs';
import type { SseClient } from '../connection/sse-client.js';
import type { RoomMessage } from '../protocol/room-message.js';
import { EVERYONE } from '../protocol/room-name.js';
import type { ClientObserver } from './client-observer.interface.js';
import type { Partitions } from './partitions.js';
import { Room } from './room.js';

/**
 * The rooms that somebody on this node hears. The first client or subscriber of a room subscribes it at the broker,
 * the last one to leave unsubscribes it, and the room is forgotten.
 */
export class RoomRegistry {
  readonly #partitions: Partitions;
  readonly #onBrokerFailure: (error: unknown) => void;
  readonly #observer: ClientObserver | undefined;
  readonly #rooms = new Map<string, Room>();
  /** Everyone: always there, with every client of this node in it. */
  readonly everyone = new Room(EVERYONE);

  constructor(partitions: Partitions, onBrokerFailure: (error: unknown) => void, watcher?: ClientObserver) {
    this.#partitions = partitions;
    this.#onBrokerFailure = onBrokerFailure;
    this.#observer = watcher;
  }

  /** Subscribes everyone's room. */
  start(): void {
    this.#subscribe(this.everyone);
  }

  get(name: string): Room | undefined {
    return name === EVERYONE ? this.everyone : this.#rooms.get(name);
  }

  names(): string[] {
    return [...this.#rooms.keys()];
  }

  /** @returns the room, with the client in it */
  join(client: SseClient, name: string): Room {
    const room = this.#obtain(name);
    room.clients.add(client);
    client.enter(name);
    this.#follow(client, room);
    this.#observer?.clientJoined(client, name);
    return room;
  }

  leave(client: SseClient, name: string): void {
    if (!client.exit(name)) return;
    client.connection.cursor.left(name);
    const room = this.#rooms.get(name);
    room?.clients.delete(client);
    this.#observer?.clientLeft(client, name);
    if (room?.isIdle) this.#forget(room);
  }

  leaveAll(client: SseClient): void {
    for (const name of client.roomNames()) this.leave(client, name);
  }

  /** What a room hears, for application code. Its subscribers count as interest in the room, as clients do. */
  observe(name: string): Observable<RoomMessage> {
    return new Observable((subscriber) => {
      const room = name === EVERYONE ? this.everyone : this.#obtain(name);
      room.subscriberCount++;
      const subscription = room.messages.subscribe(subscriber);
      return () => {
        subscription.unsubscribe();
        room.subscriberCount--;
        if (room.isIdle && room !== this.everyone) this.#forget(room);
      };
    });
  }

  /** Ends the streams of application subscribers. */
  close(): void {
    for (const room of [this.everyone, ...this.#rooms.values()]) room.messages.complete();
  }

  #obtain(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = new Room(name);
    this.#rooms.set(name, room);
    this.#subscribe(room);
    return room;
  }

  /** Tells the client's cursor from when on it gets what the room hears. */
  #follow(client: SseClient, { name, subscribed }: Room): void {
    if (!this.#partitions.isPartitioned) return;
    const { connection } = client;
    const partition = this.#partitions.partitionOf(name);
    // Before its stream is open, it gets what came since it was registered.
    if (!connection.isOpen)
      return connection.cursor.joined(name, connection.cursor.point(partition).position);
    const enter = (): void => connection.cursor.joined(name, this.#partitions.positionOf(partition).position);
    if (subscribed === undefined) return enter();
    connection.cursor.joined(name, undefined);
    const enterIfStillIn = (): void => {
      if (this.get(name)?.clients.has(client) === true) enter();
    };
    subscribed.then(enterIfStillIn, () => {});
  }

  #subscribe(room: Room): void {
    const pending = this.#partitions.of(room.name).subscribe(room.name);
    if (pending === undefined) return;
    room.subscribed = pending.then((since) => {
      room.subscribedSince = since ?? 0;
      room.subscribed = undefined;
    });
    room.subscribed.catch(this.#onBrokerFailure);
  }

  #forget(room: Room): void {
    // Another room of the name may have begun since.
    if (this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    this.#partitions.of(room.name).unsubscribe(room.name).catch(this.#onBrokerFailure);
  }
}

/** The client's rooms, everyone's among them. */
export function roomsOf(client: SseClient): string[] {
  return [EVERYONE, ...client.roomNames()];
}
