import type { BrokerListener } from '../../broker.interface.js';
import { RESERVED_EVENT_PREFIX } from '../../../protocol/input/event-fields.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import { CLOCK_TOLERANCE_US, nowUs, type Position, type ResumePoint } from '../../../protocol/position.js';
import type { ChannelMessage } from '../data/channel-message.js';
import type { MalformedMessages } from '../data/malformed-messages.js';
import { decodeEventText } from '../data/event-codec.js';
import { isLossNotice } from '../data/loss-notice.js';
import type { LocalRooms } from '../feed/local-rooms.js';
import { newEpoch } from '../../new-epoch.js';
import type { RecentEvents } from './recent-events.js';
import type { ReadPage } from './room-reader.js';

/** Number of past epochs whose late events are recognized and dropped. */
const MAX_PAST_EPOCHS = 16;

/**
 * Classification of a received event.
 *
 * - `next`: all earlier events have been delivered; deliver this one.
 * - `known`: already delivered, or of a past epoch; drop it.
 * - `ahead`: an earlier event was not received, or the epoch is new; read history first.
 */
export type Arrival = 'next' | 'known' | 'ahead';

/**
 * Delivers events to this node by ascending position, without gaps or duplicates in any subscribed room.
 *
 * One connection receives the events of all rooms in the order of their positions, and each event names the position
 * of the previous event in each of its rooms. An event at or below `position` has therefore been delivered, and an
 * unknown previous position reveals a gap.
 *
 * Example: the node is at position 20 and the last event of room `a` was 10. An event at 30 with previous position 10
 * is `next`. An event at 30 with previous position 25 is `ahead`, since the event at 25 was not received.
 */
export class DeliveryOrder {
  readonly #rooms: LocalRooms;
  readonly #listener: BrokerListener;
  readonly #recent: RecentEvents;
  readonly #malformed: MalformedMessages;
  readonly #pastEpochs = new Set<string>();
  /** Every event up to this position was read from history, in all rooms subscribed at that time. */
  #readUpTo: Position = 0;
  /** Position of the newest event that has already caused a catch-up because of a gap. */
  #gapClosedFor: Position = 0;
  #newestSeen: Position = 0;
  /** Largest known lead of Redis' positions over the local clock, in microseconds. */
  #clockLeadUs = 0;
  /** Set once the epoch is visible to clients: from then on the listener is notified of a new epoch. */
  reportsEpochChange = false;
  /** A placeholder until history is first read. */
  epoch = newEpoch();
  /** Every event up to this position has been delivered in the subscribed rooms. */
  position: Position = 0;

  constructor(
    rooms: LocalRooms,
    listener: BrokerListener,
    recent: RecentEvents,
    malformed: MalformedMessages,
  ) {
    this.#rooms = rooms;
    this.#listener = listener;
    this.#recent = recent;
    this.#malformed = malformed;
  }

  /** The greatest position that this node has seen, delivered or not. */
  get newestPosition(): Position {
    return Math.max(this.#newestSeen, this.position);
  }

  /** Records a position from a reply of Redis. */
  observePosition(position: Position): void {
    this.#newestSeen = Math.max(this.#newestSeen, position);
    this.#clockLeadUs = Math.max(this.#clockLeadUs, position - nowUs());
  }

  /**
   * Returns `false` for a received position more than 60 s ahead of the clock. Delivered, it would silence every room
   * until then. Example: the clock of Redis is 120 s ahead; a first read shows this, and positions up to 180 s ahead of
   * the local clock are accepted.
   */
  isPlausible(position: Position): boolean {
    return position <= nowUs() + this.#clockLeadUs + CLOCK_TOLERANCE_US;
  }

  classify(message: ChannelMessage): Arrival {
    const { epoch, position, rooms, previous } = message;
    if (position === 0) return 'next';
    if (epoch !== this.epoch) return this.#pastEpochs.has(epoch) ? 'known' : 'ahead';
    if (position <= this.position) return 'known';
    const hasGap = rooms.some((name, index) => {
      const room = this.#rooms.get(name);
      const coveredUpTo = Math.max(room?.lastPosition ?? 0, this.#readUpTo);
      return room?.isSubscribed === true && (previous[index] as Position) > coveredUpTo;
    });
    if (!hasGap) return 'next';
    if (position > this.#gapClosedFor) {
      this.#gapClosedFor = position;
      return 'ahead';
    }
    // History was read since and lacks the missing event, so it cannot be delivered any more.
    this.#reportGap(rooms);
    return 'next';
  }

  /** Delivers a received event that was classified as `next`. */
  deliver({ epoch, position, rooms, previous, eventText }: ChannelMessage): void {
    const replayable = position !== 0;
    const isSubscribed = rooms.some((name) => this.#rooms.get(name)?.isSubscribed === true);
    const event = isSubscribed ? decodeEventText(eventText, replayable ? undefined : rooms[0]) : undefined;
    if (isSubscribed && event === undefined) return this.#malformed.ignore('event');
    if (replayable) this.position = position;
    const isInUse = this.#advanceRooms(rooms, position);
    if (event === undefined) return;
    if (isLossNotice(event)) return this.#reportLoss(rooms, replayable ? position : Infinity);
    const { except, volatile, copies, trace } = event;
    const delivery = {
      rooms,
      epoch: replayable ? epoch : this.epoch,
      position,
      replayable,
      volatile,
      except,
      copies,
      trace,
    };
    const message = new RoomMessage(event, delivery);
    if (replayable) this.#recent.add(message, previous);
    else if (!volatile && event.event?.startsWith(RESERVED_EVENT_PREFIX) !== true) this.#recent.skip(rooms);
    if (isInUse) this.#listener.onMessage(message);
  }

  /** Delivers missed events read from history and advances to the position of the page. */
  catchUp(page: ReadPage): void {
    const isNewEpoch = page.epoch !== this.epoch;
    if (isNewEpoch) this.#startEpoch(page.epoch, page.current ?? page.position);
    else if (page.incompleteRooms.length > 0) this.#reportGap(page.incompleteRooms);
    for (const message of page.messages) {
      if (message.position <= this.position) continue;
      this.position = message.position;
      const isInUse = this.#advanceRooms(message.rooms, message.position);
      this.#recent.add(message);
      if (isInUse) this.#listener.onMessage(message);
    }
    this.observePosition(page.position);
    this.advanceTo(page.position);
    this.#readUpTo = page.position;
    const incompleteRooms = isNewEpoch
      ? this.#rooms.subscribed()
      : page.incompleteRooms.flatMap((name) => this.#rooms.get(name) ?? []);
    for (const room of incompleteRooms) this.#recent.restart(room, this.position);
  }

  /** Reports a gap for rooms of a loss notice. A later resume from before it must read the notice in Redis. */
  #reportLoss(names: readonly string[], position: Position): void {
    this.#reportGap(names);
    for (const name of names) {
      const room = this.#rooms.get(name);
      if (room?.isSubscribed === true) this.#recent.restart(room, position);
    }
  }

  /** Moves a node that receives no events to the current position. */
  moveTo(current: ResumePoint): void {
    this.catchUp({ ...current, messages: [], incompleteRooms: [] });
  }

  /** Marks an epoch as past, unless it is the current one. Its late events are dropped. */
  retireEpoch(epoch: string): void {
    if (epoch === this.epoch) return;
    this.#pastEpochs.add(epoch);
    const [oldest] = this.#pastEpochs;
    if (this.#pastEpochs.size > MAX_PAST_EPOCHS && oldest !== undefined) this.#pastEpochs.delete(oldest);
  }

  isPastEpoch(epoch: string): boolean {
    return this.#pastEpochs.has(epoch);
  }

  /** Advances the position: every event up to it has been received. */
  advanceTo(position: Position): void {
    this.position = Math.max(this.position, position);
  }

  #startEpoch(epoch: string, current: Position): void {
    const previousEpoch = this.epoch;
    this.epoch = epoch;
    this.#pastEpochs.delete(epoch);
    this.retireEpoch(previousEpoch);
    if (this.reportsEpochChange) this.#listener.onEpochChange(epoch, current);
  }

  /**
   * Sets the last position of the event's rooms.
   *
   * @returns `true` if any of the rooms is subscribed and in use
   */
  #advanceRooms(names: readonly string[], position: Position): boolean {
    let isInUse = false;
    for (const name of names) {
      const room = this.#rooms.get(name);
      if (room?.isSubscribed !== true) continue;
      room.lastPosition = Math.max(room.lastPosition, position);
      isInUse ||= room.isInUse;
    }
    return isInUse;
  }

  #reportGap(rooms: readonly string[]): void {
    const roomsInUse = rooms.filter((name) => this.#rooms.get(name)?.isInUse === true);
    if (roomsInUse.length > 0) this.#listener.onGap(roomsInUse);
  }
}
