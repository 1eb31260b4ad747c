import type { Position } from '../../../protocol/position.js';
import { LINGER_MS, type LocalRoom, type LocalRooms } from './local-rooms.js';
import type { SyncMarkers } from './sync-markers.js';
import type { DeliveryOrder } from '../history/delivery-order.js';
import type { RedisConnection } from '../driver/redis-driver.interface.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { RunChannels } from '../runs/run-channels.js';

/** Most channels in one SSUBSCRIBE, which blocks Redis while it runs. */
const MAX_CHANNELS_PER_CALL = 500;

export interface RoomSubscriptionsDependencies {
  readonly rooms: LocalRooms;
  readonly runs: RunChannels;
  readonly redisKeys: RedisKeys;
  readonly markers: SyncMarkers;
  readonly order: DeliveryOrder;
  /** Reads the current position; `undefined` if Redis does not answer. */
  readonly readPosition: () => Promise<Position | undefined>;
  /** Returns the connection if it is up and has caught up. */
  readonly connection: () => RedisConnection | undefined;
  readonly onFailure: (connection: RedisConnection, error: Error) => void;
}

/**
 * Subscribes and unsubscribes the channels of rooms and runs in batches, one batch at a time, as rooms are acquired and
 * released, and runs followed.
 */
export class RoomSubscriptions {
  readonly #dependencies: RoomSubscriptionsDependencies;
  /** The connection whose subscriptions are being updated. */
  #updating: RedisConnection | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(dependencies: RoomSubscriptionsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Acquires a room. Resolves when the node receives every later event of it; stays pending while Redis is unreachable.
   *
   * @returns the position at the time of the request, or `undefined` if the room was already subscribed
   */
  async subscribe(name: string): Promise<Position | undefined> {
    const room = this.#dependencies.rooms.acquire(name);
    if (room.isSubscribed) return undefined;
    room.positionAtRequest ??= this.#dependencies.readPosition();
    void this.update();
    await room.subscribed.promise;
    return room.positionAtRequest;
  }

  unsubscribe(name: string): void {
    this.#dependencies.rooms.release(name);
    this.#updateLater();
  }

  /**
   * Subscribes a new connection to the node's own channels, to those of all subscribed and joining rooms, and to those of all
   * followed runs.
   */
  async subscribeAll(connection: RedisConnection, joining: readonly LocalRoom[]): Promise<void> {
    const { redisKeys, rooms, runs } = this.#dependencies;
    const followed = runs.takeAll();
    const channels = [
      redisKeys.markerChannel,
      redisKeys.multiRoomChannel,
      redisKeys.controlChannel,
      redisKeys.subscribedCheckChannel,
      ...this.#channelsOf([...rooms.subscribed(), ...joining]),
      ...followed.map((run) => redisKeys.runChannel(run)),
    ];
    for (let start = 0; start < channels.length; start += MAX_CHANNELS_PER_CALL) {
      await connection.subscribe(channels.slice(start, start + MAX_CHANNELS_PER_CALL));
    }
    // Shows at once whether the Redis user may unsubscribe.
    await connection.unsubscribe([redisKeys.subscribedCheckChannel]);
    runs.markSubscribed(followed);
  }

  /**
   * Subscribes pending rooms and followed runs, and unsubscribes idle rooms and other runs, until there are none left. A failure
   * drops the connection.
   */
  async update(): Promise<void> {
    const { rooms, runs, markers, order, onFailure } = this.#dependencies;
    const connection = this.#dependencies.connection();
    if (connection === undefined || this.#updating === connection) return;
    this.#updating = connection;
    let joining: LocalRoom[] = [];
    try {
      // Collects all rooms that are acquired in the same turn.
      await Promise.resolve();
      for (;;) {
        const idle = rooms.takeIdle(MAX_CHANNELS_PER_CALL);
        joining = rooms.takePending(MAX_CHANNELS_PER_CALL);
        const { added, removed } = runs.takeChanged(MAX_CHANNELS_PER_CALL);
        if (idle.length > 0) await connection.unsubscribe(this.#channelsOf(idle));
        if (joining.length > 0) {
          const joined = joining;
          await connection.subscribe(this.#channelsOf(joined));
          await markers.roundTrip(() => {
            for (const room of joined) room.markSubscribed(order.position);
          });
        }
        if (added.length + removed.length > 0) await this.#updateRuns(connection, added, removed);
        // Nothing is awaited since the rooms and runs were taken: none was added meanwhile.
        else if (joining.length + idle.length === 0) break;
      }
    } catch (error) {
      rooms.requeue(joining);
      onFailure(connection, error as Error);
    } finally {
      if (this.#updating === connection) this.#updating = undefined;
    }
    if (rooms.hasIdle) this.#updateLater();
  }

  close(): void {
    clearTimeout(this.#lingerTimer);
  }

  async #updateRuns(
    connection: RedisConnection,
    added: readonly string[],
    removed: readonly string[],
  ): Promise<void> {
    const { redisKeys, runs } = this.#dependencies;
    const channelsOf = (names: readonly string[]): string[] => names.map((run) => redisKeys.runChannel(run));
    if (removed.length > 0) {
      await connection.unsubscribe(channelsOf(removed));
      runs.markUnsubscribed(removed);
    }
    if (added.length > 0) {
      await connection.subscribe(channelsOf(added));
      runs.markSubscribed(added);
    }
  }

  #updateLater(): void {
    this.#lingerTimer ??= setTimeout(() => {
      this.#lingerTimer = undefined;
      void this.update();
    }, LINGER_MS).unref();
  }

  #channelsOf(rooms: readonly LocalRoom[]): string[] {
    return rooms.map(({ name }) => this.#dependencies.redisKeys.channel(name));
  }
}
