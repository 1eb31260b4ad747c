import type { Position } from '../../protocol/position.js';
import { LINGER_MS, type LocalRoom, type LocalRooms } from './local-rooms.js';
import type { Marks } from './marks.js';
import type { NodeOrder } from './node-order.js';
import type { RedisConnection } from './redis-driver.interface.js';
import type { RedisNames } from './redis-names.js';

/** Channels in one SSUBSCRIBE: Redis does nothing else meanwhile. */
const CHANNELS_A_CALL = 500;

export interface RoomSubscriptionsParts {
  readonly rooms: LocalRooms;
  readonly names: RedisNames;
  readonly marks: Marks;
  readonly order: NodeOrder;
  readonly now: () => Promise<Position | undefined>;
  /** The connection, when it is there and has caught up. */
  readonly connection: () => RedisConnection | undefined;
  readonly onFailure: (connection: RedisConnection, error: Error) => void;
}

/** Which rooms' channels are subscribed, as clients come and go: many of them at once, one change after the other. */
export class RoomSubscriptions {
  readonly #parts: RoomSubscriptionsParts;
  /** The connection whose subscriptions are being changed. */
  #changing: RedisConnection | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(parts: RoomSubscriptionsParts) {
    this.#parts = parts;
  }

  /** Resolves when every later event of the room is heard, however long Redis is away; with the position of the call. */
  async subscribe(name: string): Promise<Position | undefined> {
    const room = this.#parts.rooms.want(name);
    if (room.isFollowed) return undefined;
    room.wantedAt ??= this.#parts.now();
    void this.change();
    await room.followed.promise;
    return room.wantedAt;
  }

  unsubscribe(name: string): void {
    this.#parts.rooms.letGo(name);
    this.#changeLater();
  }

  /** Subscribes what is wanted and was before on a new connection. */
  async subscribeAll(connection: RedisConnection, joining: readonly LocalRoom[]): Promise<void> {
    const { names, rooms } = this.#parts;
    const channels = [
      names.ownChannel,
      names.sharedChannel,
      names.controlChannel,
      ...this.#channels([...rooms.followed(), ...joining]),
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
        joining = rooms.takeJoining(CHANNELS_A_CALL);
        if (idle.length > 0) await connection.unsubscribe(this.#channels(idle));
        if (joining.length > 0) {
          const joined = joining;
          await connection.subscribe(this.#channels(joined));
          await marks.pass(() => {
            for (const room of joined) room.follow(order.position);
          });
        } else if (idle.length === 0) break;
      }
    } catch (error) {
      rooms.joinLater(joining);
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
