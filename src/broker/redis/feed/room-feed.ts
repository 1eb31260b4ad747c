import type { Position } from '../../../protocol/position.js';
import { parseChannelMessage, parseSyncMarker } from '../data/channel-message.js';
import type { CommandLink } from '../link/command-link.js';
import { HalfOpenProbe } from './half-open-probe.js';
import { CatchUpBuffer, isSyncMarker, type ReceivedItem } from './catch-up-buffer.js';
import { ReconnectingConnection } from '../link/reconnecting-connection.js';
import type { LocalRoom, LocalRooms } from './local-rooms.js';
import { SyncMarkers } from './sync-markers.js';
import type { DeliveryOrder } from '../history/delivery-order.js';
import type { ResolvedRedisOptions } from '../redis-broker-options.js';
import type { RedisConnection, RedisDriver } from '../driver/redis-driver.interface.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { RoomReader } from '../history/room-reader.js';
import { RoomSubscriptions } from './room-subscriptions.js';

/**
 * - `down`: there is no subscribed connection.
 * - `syncing`: what is heard waits until what was missed has been read.
 * - `live`: what is heard is delivered.
 */
export type FeedPhase = 'down' | 'syncing' | 'live';

export interface RoomFeedDependencies {
  readonly driver: RedisDriver;
  readonly names: RedisKeys;
  readonly commands: CommandLink;
  readonly reader: RoomReader;
  readonly rooms: LocalRooms;
  readonly order: DeliveryOrder;
  readonly options: ResolvedRedisOptions;
  /** What was told to every node. */
  readonly onControl: (text: string) => void;
  readonly onPhase: (phase: FeedPhase, error?: Error) => void;
}

/**
 * The subscribing connection: brings what is published in this node's rooms into the node's order.
 *
 * A new connection subscribes first and reads what was missed then, so nothing falls between the two. What is heard
 * meanwhile waits in the inbox. The same reading mends a hole: clients see a pause and no reconnect.
 */
export class RoomFeed {
  readonly #parts: RoomFeedDependencies;
  readonly #rooms: LocalRooms;
  readonly #order: DeliveryOrder;
  readonly #inbox: CatchUpBuffer;
  readonly #marks: SyncMarkers;
  readonly #probe: HalfOpenProbe;
  readonly #subscriptions: RoomSubscriptions;
  readonly #connection: ReconnectingConnection;
  #connected: RedisConnection | undefined;
  #phase: FeedPhase = 'down';

  constructor(parts: RoomFeedDependencies) {
    const { driver, names, commands, options, rooms, order } = parts;
    this.#parts = parts;
    this.#rooms = rooms;
    this.#order = order;
    this.#inbox = new CatchUpBuffer(options.maxBufferedBytes);
    this.#marks = new SyncMarkers(commands, names.ownChannel);
    this.#probe = new HalfOpenProbe(this.#marks, options.probeIntervalMs, options.publishTimeoutMs, () =>
      this.#drop(
        this.#connected,
        new Error('The subscribing connection heard nothing of what was said to it.'),
      ),
    );
    this.#subscriptions = new RoomSubscriptions({
      rooms,
      names,
      marks: this.#marks,
      order,
      now: async () => (await parts.reader.now())?.position,
      connection: () => this.#connection.current,
      onFailure: (connection, error) => this.#drop(connection, error),
    });
    this.#connection = new ReconnectingConnection({
      driver,
      connectTimeoutMs: options.connectTimeoutMs,
      prepare: (connection) => this.#sync(connection),
      onMessage: (connection, channel, text) => this.#receive(connection, channel, text),
      onUp: () => void this.#subscriptions.change(),
      onDown: (error) => this.#disconnected(error),
    });
  }

  get phase(): FeedPhase {
    return this.#phase;
  }

  open(): void {
    this.#connection.open();
  }

  /** Resolves when every later event of the room is heard, however long Redis is away. */
  subscribe(room: string): Promise<Position | undefined> {
    return this.#subscriptions.subscribe(room);
  }

  unsubscribe(room: string): void {
    this.#subscriptions.unsubscribe(room);
  }

  /** Finds out whether the connection hears, and whether the memory is still the same. */
  check(): void {
    void this.#probe.ask();
  }

  close(): void {
    this.#subscriptions.close();
    this.#probe.stop();
    this.#connection.close();
    this.#marks.reject(new Error('The broker was closed.'));
    this.#inbox.clear();
  }

  async #sync(connection: RedisConnection): Promise<void> {
    this.#connected = connection;
    this.#inbox.clear();
    this.#setPhase('syncing');
    this.#probe.start();
    // Not those that were just left: a cut may have taken clients with it that are about to come back.
    this.#rooms.takeIdle(Infinity);
    const joining = this.#rooms.takePending(Infinity);
    try {
      await this.#subscriptions.subscribeAll(connection, joining);
      await this.#catchUp(connection, joining);
    } catch (error) {
      this.#rooms.requeue(joining);
      throw error;
    }
  }

  /**
   * Reads what this node has missed, delivers it, and then what was heard meanwhile.
   *
   * @param joining rooms that are subscribed, and followed from here on
   * @param suspect the epoch of the event that made it necessary
   */
  async #catchUp(
    connection: RedisConnection,
    joining: readonly LocalRoom[],
    suspect?: string,
  ): Promise<void> {
    do {
      this.#inbox.reopen();
      const followed = this.#rooms.subscribed().map(({ name }) => name);
      const page = await this.#parts.reader.read(followed, this.#order.position);
      if (this.#connected !== connection)
        throw new Error('The connection was lost while it was catching up.');
      this.#order.catchUp(page);
      for (const room of joining) if (!room.isSubscribed) room.markSubscribed(page.position);
      if (suspect !== undefined) this.#order.forget(suspect);
    } while (this.#inbox.overflowed);
    this.#setPhase('live');
    // One of these may show another hole; then those after it wait again.
    for (const heard of this.#inbox.take()) this.#take(connection, heard, 0);
  }

  #receive(connection: RedisConnection, channel: string, text: string): void {
    const { names } = this.#parts;
    this.#probe.received();
    if (channel === names.controlChannel) return this.#parts.onControl(text);
    const heard =
      channel === names.ownChannel ? parseSyncMarker(text) : parseChannelMessage(names.roomOf(channel), text);
    if (heard !== undefined) this.#take(connection, heard, text.length);
  }

  #take(connection: RedisConnection, heard: ReceivedItem, bytes: number): void {
    if (this.#phase !== 'live') return this.#inbox.hold(heard, bytes);
    if (isSyncMarker(heard)) {
      if (heard.epoch !== this.#order.epoch && !this.#order.isPast(heard.epoch)) {
        return this.#repair(connection, heard, bytes);
      }
      if (heard.epoch === this.#order.epoch) this.#order.reach(heard.position);
      return this.#marks.received(heard.number);
    }
    const verdict = this.#order.classify(heard);
    if (verdict === 'ahead') this.#repair(connection, heard, bytes);
    else if (verdict === 'next') this.#order.deliver(heard);
  }

  #repair(connection: RedisConnection, heard: ReceivedItem, bytes: number): void {
    this.#setPhase('syncing');
    this.#inbox.hold(heard, bytes);
    this.#catchUp(connection, [], heard.epoch).catch((error: Error) => this.#drop(connection, error));
  }

  #disconnected(error: Error): void {
    this.#connected = undefined;
    this.#probe.stop();
    this.#marks.reject(error);
    this.#inbox.clear();
    this.#setPhase('down', error);
  }

  #drop(connection: RedisConnection | undefined, error: Error): void {
    if (connection !== undefined) this.#connection.drop(connection, error);
  }

  #setPhase(phase: FeedPhase, error?: Error): void {
    this.#phase = phase;
    this.#parts.onPhase(phase, error);
  }
}
