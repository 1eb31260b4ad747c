import type { Position } from '../../../protocol/position.js';
import { LINGER_MS, type LocalRoom, type LocalRooms } from './local-rooms.js';
import type { SyncMarkers } from './sync-markers.js';
import type { DeliveryOrder } from '../history/delivery-order.js';
import type { RedisConnection } from '../driver/redis-driver.interface.js';
import type { RedisKeys } from '../data/redis-keys.js';

/** Channels in one SSUBSCRIBE: Redis does nothing else meanwhile. */
const CHANNELS_A_CALL = 500;

export interface RoomSubscriptionsDependencies {
  readonly rooms: LocalRooms;
  readonly names: RedisKeys;
  readonly marks: SyncMarkers;
  readonly order: DeliveryOrder;
  readonly now: () => Promise<Position | undefined>;
  /** The connection, when it is there and has caught up. */
  readonly connection: () => RedisConnection | undefined;
  readonly onFailure: (connection: RedisConnection, error: Error) => void;
}

/** Which rooms' channels are subscribed, as clients come and go: many of them at once, one change after the other. */
export class RoomSubscriptions {
  readonly #parts: RoomSubscriptionsDependencies;
  /** The connection whose subscriptions are being changed. */
  #changing: RedisConnection | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(parts: RoomSubscriptionsDependencies) {
    this.#parts = parts;
  }

  /** Resolves when every later event of the room is heard, however long Redis is away; with the position of the call. */
  async subscribe(name: string): Promise<Position | undefined> {
    const room = this.#parts.rooms.acquire(name);
    if (room.isSubscribed) return undefined;
    room.requestedAt ??= this.#parts.now();
    void this.change();
    await room.subscribed.promise;
    return room.requestedAt;
  }

  unsubscribe(name: string): void {
    this.#parts.rooms.release(name);
    this.#changeLater();
  }

  /** Subscribes what is wanted and was before on a new connection. */
  async subscribeAll(connection: RedisConnection, joining: readonly LocalRoom[]): Promise<void> {
    const { names, rooms } = this.#parts;
    const channels = [
      names.ownChannel,
      names.sharedChannel,
      names.controlChannel,
      ...this.#channels([...rooms.subscribed(), ...joining]),
    ];
    for (let first = 0; first < channels.length; first += CHANNELS_A_CALL) {
      await connection.subscribe(channels.slice(first, first + CHANNELS_A_CALL));
    }
  }

  /** Subscribes the rooms that are wanted and unsubscribes those that are not, until there are none of either. */
  async change(): Promise<void> {
    const { rooms, marks, order, onFailure } = this.#parts;
    const connection = this.#parts.connection();
    if (connection === undefined || this.#changing === connection) return;
    this.#changing = connection;
    let joining: LocalRoom[] = [];
    try {
      // In the same turn many may come.
      await Promise.resolve();
      for (;;) {
        const idle = rooms.takeIdle(CHANNELS_A_CALL);
        joining = rooms.takePending(CHANNELS_A_CALL);
        if (idle.length > 0) await connection.unsubscribe(this.#channels(idle));
        if (joining.length > 0) {
          const joined = joining;
          await connection.subscribe(this.#channels(joined));
          await marks.roundTrip(() => {
            for (const room of joined) room.markSubscribed(order.position);
          });
        } else if (idle.length === 0) break;
      }
    } catch (error) {
      rooms.requeue(joining);
      onFailure(connection, error as Error);
    } finally {
      if (this.#changing === connection) this.#changing = undefined;
    }
    if (rooms.hasIdle) this.#changeLater();
  }

  close(): void {
    clearTimeout(this.#linger);
  }

  #changeLater(): void {
    this.#linger ??= setTimeout(() => {
      this.#linger = undefined;
      void this.change();
    }, LINGER_MS).unref();
  }

  #channels(rooms: readonly LocalRoom[]): string[] {
    return rooms.map(({ name }) => this.#parts.names.channel(name));
  }
}
