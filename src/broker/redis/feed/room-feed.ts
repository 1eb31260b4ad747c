import type { Position } from '../../../protocol/position.js';
import { parseChannelMessage, parseSyncMarker } from '../data/channel-message.js';
import { brokerClosedError } from '../../broker-closed-error.js';
import { HalfOpenProbe } from './half-open-probe.js';
import { CatchUpBuffer, isSyncMarker, type ReceivedItem } from './catch-up-buffer.js';
import { Deferred } from '../link/deferred.js';
import { ReconnectingConnection } from '../link/reconnecting-connection.js';
import type { LocalRoom, LocalRooms } from './local-rooms.js';
import { DeliveryMarkers } from './delivery-markers.js';
import { SyncMarkers } from './sync-markers.js';
import type { DeliveryOrder } from '../history/delivery-order.js';
import type { RedisConnection } from '../driver/redis-driver.interface.js';
import { CATCH_UP_PAGE } from '../history/page-size.js';
import type { FeedPhase, RoomFeedDependencies } from './room-feed-dependencies.interface.js';
import { RoomSubscriptions } from './room-subscriptions.js';

export type { FeedPhase } from './room-feed-dependencies.interface.js';

/**
 * The subscribing connection: receives the events of this node's rooms and delivers them in order.
 *
 * A new connection first subscribes and then reads the missed events from history, so no event is lost between the
 * two steps. Events received meanwhile are buffered. The same read closes a gap between received events; clients
 * notice a pause and no reconnect.
 */
export class RoomFeed {
  readonly deliveries: DeliveryMarkers;
  readonly #dependencies: RoomFeedDependencies;
  readonly #rooms: LocalRooms;
  readonly #order: DeliveryOrder;
  readonly #buffer: CatchUpBuffer;
  readonly #markers: SyncMarkers;
  readonly #probe: HalfOpenProbe;
  readonly #subscriptions: RoomSubscriptions;
  readonly #connection: ReconnectingConnection;
  #connected: RedisConnection | undefined;
  #connectedAtMs = 0;
  #phase: FeedPhase = 'down';
  #isOpen = false;
  #isClosed = false;
  #live: Deferred | undefined;
  /** The greatest implausible position that has caused a read. */
  #positionReadFor: Position = 0;

  constructor(dependencies: RoomFeedDependencies) {
    const { driver, redisKeys, commands, options, rooms, order } = dependencies;
    this.#dependencies = dependencies;
    this.#rooms = rooms;
    this.#order = order;
    this.#buffer = new CatchUpBuffer(options.maxBufferedBytes);
    this.#markers = new SyncMarkers(commands, redisKeys.markerChannel);
    this.deliveries = new DeliveryMarkers(this.#markers, rooms, this);
    this.#probe = new HalfOpenProbe(this.#markers, options.probeIntervalMs, options.publishTimeoutMs, () =>
      this.#drop(this.#connected, new Error('The subscribing connection receives no messages.')),
    );
    this.#subscriptions = new RoomSubscriptions({
      rooms,
      runs: dependencies.runs,
      redisKeys,
      markers: this.#markers,
      order,
      readPosition: async () => (await dependencies.reader.currentPosition())?.position,
      connection: () => this.#connection.current,
      onFailure: (connection, error) => this.#drop(connection, error),
    });
    this.#connection = new ReconnectingConnection({
      driver,
      connectTimeoutMs: options.connectTimeoutMs,
      prepare: (connection) => this.#sync(connection),
      onMessage: (connection, channel, text) => this.#receive(connection, channel, text),
      onUp: () => void this.#subscriptions.update(),
      onDown: (error) => this.#handleDisconnect(error),
    });
  }

  get phase(): FeedPhase {
    return this.#phase;
  }

  /** Milliseconds since the connection began to subscribe: from then on it has carried every message. */
  get connectedForMs(): number {
    return performance.now() - this.#connectedAtMs;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#connection.open();
  }

  /** See `RoomSubscriptions.subscribe`. */
  subscribe(room: string): Promise<Position | undefined> {
    this.#openOnDemand();
    return this.#subscriptions.subscribe(room);
  }

  /** Opens the connection, and settles once it is live. Rejects when the feed is closed. */
  whenLive(): Promise<void> {
    if (this.#isClosed) return Promise.reject(brokerClosedError());
    this.#openOnDemand();
    return this.#phase === 'live' ? Promise.resolve() : (this.#live ??= new Deferred()).promise;
  }

  unsubscribe(room: string): void {
    this.#subscriptions.unsubscribe(room);
  }

  /** Subscribes to the runs that are followed, and unsubscribes from the others. */
  updateRuns(): void {
    this.#openOnDemand();
    void this.#subscriptions.update();
  }

  /** Probes the connection. The marker also reveals a changed epoch. */
  check(): void {
    this.#probe.check(this.#dependencies.commands.runId);
  }

  close(): void {
    this.#isClosed = true;
    this.#subscriptions.close();
    this.#probe.stop();
    this.#connection.close();
    this.#markers.reject(brokerClosedError());
    this.#buffer.clear();
    this.#live?.reject(brokerClosedError());
  }

  #openOnDemand(): void {
    if (this.#isOpen) return;
    this.open();
    this.#setPhase('syncing');
  }

  async #sync(connection: RedisConnection): Promise<void> {
    this.#connected = connection;
    this.#connectedAtMs = performance.now();
    this.#buffer.clear();
    this.#setPhase('syncing');
    this.#probe.start();
    // Drops only rooms that have lingered; clients of the others may be about to reconnect.
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
   * Reads and delivers the missed events page by page, then processes the buffered items. Each page covers the events
   * that the buffer has dropped before its read.
   *
   * @param joining rooms that have just been subscribed
   * @param suspectEpoch epoch of the item that caused the catch-up; retired unless history confirms it
   */
  async #catchUp(
    connection: RedisConnection,
    joining: readonly LocalRoom[],
    suspectEpoch?: string,
  ): Promise<void> {
    let hasMore: boolean | undefined;
    do {
      this.#buffer.reopen();
      const subscribedRooms = this.#rooms.subscribed().map(({ name }) => name);
      const options = { maxBytes: CATCH_UP_PAGE.maxBytes, isUrgent: true };
      const page = await this.#dependencies.reader.read(subscribedRooms, this.#order.position, 0, options);
      if (this.#connected !== connection)
        throw new Error('The connection was lost while it was catching up.');
      this.#order.catchUp(page);
      hasMore = page.hasMore;
      if (hasMore === true) continue;
      for (const room of joining) if (!room.isSubscribed) room.markSubscribed(page.position);
      if (suspectEpoch !== undefined) this.#order.retireEpoch(suspectEpoch);
    } while (hasMore === true || this.#buffer.overflowed);
    this.#setPhase('live');
    // If an item reveals another gap, the phase changes and the items after it are buffered again.
    for (const item of this.#buffer.take()) this.#process(connection, item, 0);
  }

  #receive(connection: RedisConnection, channel: string, text: string): void {
    const { redisKeys, runs } = this.#dependencies;
    this.#probe.received();
    if (channel === redisKeys.controlChannel) return this.#dependencies.onControl(text);
    const run = redisKeys.runOf(channel);
    if (run !== undefined) return runs.receive(run, text);
    const isMarker = channel === redisKeys.markerChannel;
    if (isMarker && text.startsWith('t')) return this.#dependencies.onControl(text);
    const item = isMarker ? parseSyncMarker(text) : parseChannelMessage(redisKeys.roomOf(channel), text);
    if (item !== undefined) this.#process(connection, item, text.length);
    else this.#dependencies.malformed.ignore(isMarker ? 'sync marker' : 'event');
  }

  #process(connection: RedisConnection, item: ReceivedItem, bytes: number): void {
    if (this.#phase !== 'live') return this.#buffer.hold(item, bytes);
    // Checked here, not on arrival: the read before `live` shows how far the clock of Redis is ahead.
    if (!this.#order.isPlausible(item.position)) {
      // The clock of Redis may have been moved since, which another read shows. Each position causes one read at most.
      if (item.position > this.#positionReadFor) {
        this.#positionReadFor = item.position;
        return this.#closeGap(connection, item, bytes);
      }
      return this.#dependencies.malformed.ignore(isSyncMarker(item) ? 'sync marker' : 'event');
    }
    if (isSyncMarker(item)) {
      if (item.epoch !== this.#order.epoch && !this.#order.isPastEpoch(item.epoch)) {
        return this.#closeGap(connection, item, bytes);
      }
      if (item.epoch === this.#order.epoch) this.#order.advanceTo(item.position);
      return this.#markers.received(item.number);
    }
    const arrival = this.#order.classify(item);
    if (arrival === 'ahead') this.#closeGap(connection, item, bytes);
    else if (arrival === 'next') this.#order.deliver(item);
  }

  #closeGap(connection: RedisConnection, item: ReceivedItem, bytes: number): void {
    this.#setPhase('syncing');
    this.#buffer.hold(item, bytes);
    this.#catchUp(connection, [], item.epoch).catch((error: Error) => this.#drop(connection, error));
  }

  #handleDisconnect(error: Error): void {
    this.#connected = undefined;
    this.#probe.stop();
    this.#markers.reject(error);
    this.#buffer.clear();
    this.#setPhase('down', error);
  }

  #drop(connection: RedisConnection | undefined, error: Error): void {
    if (connection !== undefined) this.#connection.drop(connection, error);
  }

  #setPhase(phase: FeedPhase, error?: Error): void {
    this.#phase = phase;
    if (phase === 'live') this.#live?.resolve();
    if (phase === 'live') this.#live = undefined;
    this.#dependencies.onPhase(phase, error);
  }
}
