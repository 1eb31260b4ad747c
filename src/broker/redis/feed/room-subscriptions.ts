import type { Position } from '../../../protocol/position.js';
import { LINGER_MS, type LocalRoom, type LocalRooms } from './local-rooms.js';
import type { MarkerAhead, SyncMarkers } from './sync-markers.js';
import type { DeliveryOrder } from '../history/delivery-order.js';
import type { RedisConnection } from '../driver/redis-driver.interface.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { RunChannels } from '../runs/run-channels.js';

/** Most channels in one SSUBSCRIBE, which blocks Redis while it runs. */
const MAX_CHANNELS_PER_CALL = 500;

/** Used channels of markers that stay subscribed until one call unsubscribes them. */
const MAX_MARKER_CHANNELS = 100;

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
  /** Channels of markers that have followed a subscription, see `SyncMarkers.roundTripAfter`. */
  #markerChannels: string[] = [];
  /** The marker of the rooms that are acquired in this turn. */
  #ahead: MarkerAhead | undefined;

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
    void this.update();
    room.positionAtRequest ??= this.#ahead?.position ?? this.#dependencies.readPosition();
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
    this.#markerChannels = [];
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
    const { rooms, runs, markers, onFailure } = this.#dependencies;
    const connection = this.#dependencies.connection();
    if (connection === undefined || this.#updating === connection) return;
    this.#updating = connection;
    let joining: LocalRoom[] = [];
    try {
      // Sent at once: its position is the one at the request of each room that is acquired in the same turn.
      let ahead = (this.#ahead = rooms.hasPending ? markers.sendAhead() : undefined);
      // Collects all rooms that are acquired in the same turn.
      await Promise.resolve();
      this.#ahead = undefined;
      for (;;) {
        const idle = rooms.takeIdle(MAX_CHANNELS_PER_CALL);
        joining = rooms.takePending(MAX_CHANNELS_PER_CALL);
        const { added, removed } = runs.takeChanged(MAX_CHANNELS_PER_CALL);
        if (joining.length + idle.length > 0)
          await Promise.all([
            this.#unsubscribe(connection, idle),
            this.#subscribe(connection, joining, ahead),
          ]);
        ahead = undefined;
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

  /** @param ahead a marker that was sent already */
  async #subscribe(
    connection: RedisConnection,
    joining: readonly LocalRoom[],
    ahead: MarkerAhead | undefined,
  ): Promise<void> {
    const { markers, order } = this.#dependencies;
    if (joining.length === 0) return;
    await markers.roundTripAfter(
      ahead ?? markers.sendAhead(),
      (markerChannel) => {
        this.#markerChannels.push(markerChannel);
        return connection.subscribe([...this.#channelsOf(joining), markerChannel]);
      },
      () => {
        for (const room of joining) room.markSubscribed(order.position);
      },
    );
  }

  async #unsubscribe(connection: RedisConnection, idle: readonly LocalRoom[]): Promise<void> {
    const hasMany = this.#markerChannels.length >= MAX_MARKER_CHANNELS;
    const used = idle.length > 0 || hasMany ? this.#markerChannels.splice(0) : [];
    if (used.length + idle.length > 0) await connection.unsubscribe([...this.#channelsOf(idle), ...used]);
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
