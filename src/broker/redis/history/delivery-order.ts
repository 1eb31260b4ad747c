import type { BrokerListener, HistoryPage } from '../../broker.interface.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import type { Position } from '../../../protocol/position.js';
import type { ChannelMessage } from '../data/channel-message.js';
import { decodeEventText } from '../data/event-codec.js';
import type { LocalRooms } from '../feed/local-rooms.js';
import { newEpoch } from '../../new-epoch.js';
import type { RecentEvents } from './recent-events.js';

/** How many of the epochs that are over are known as such. */
const PAST_EPOCHS = 16;

/**
 * What a heard event is to this node.
 *
 * - `next`: all before it has been delivered.
 * - `known`: delivered already, or of a memory that is over.
 * - `ahead`: something before it was not heard, or it belongs to another memory; history has to be read first.
 */
export type Arrival = 'next' | 'known' | 'ahead';

/**
 * The order in which this node delivers: one line of positions for all its rooms, without holes, nothing twice.
 *
 * One connection hears the events of all rooms in the order of their positions, and each names the event before it in
 * its rooms. So what is not newer than `position` has been delivered, and a room's chain shows what has not.
 */
export class DeliveryOrder {
  readonly #rooms: LocalRooms;
  readonly #listener: BrokerListener;
  readonly #recent: RecentEvents;
  readonly #past = new Set<string>();
  /** Everything up to here has been read from history in all rooms followed then. */
  #floor: Position = 0;
  /** The event before which a hole was found already. */
  #repairedFor: Position = 0;
  /** Whether somebody has seen the epoch, so that its end has to be told. */
  isExposed = false;
  /** The greatest position in sight, delivered or not. */
  #seen: Position = 0;
  /** Until Redis is heard first: an epoch that no memory has. */
  epoch = newEpoch();
  position: Position = 0;

  constructor(rooms: LocalRooms, listener: BrokerListener, recent: RecentEvents) {
    this.#rooms = rooms;
    this.#listener = listener;
    this.#recent = recent;
  }

  get newest(): Position {
    return Math.max(this.#seen, this.position);
  }

  /** A position that Redis has named. */
  see(position: Position): void {
    this.#seen = Math.max(this.#seen, position);
  }

  classify(message: ChannelMessage): Arrival {
    const { epoch, position, rooms, previous } = message;
    if (position === 0) return 'next';
    if (epoch !== this.epoch) return this.#past.has(epoch) ? 'known' : 'ahead';
    if (position <= this.position) return 'known';
    const hasHole = rooms.some((name, index) => {
      const room = this.#rooms.get(name);
      return room?.isSubscribed === true && (previous[index] as Position) > Math.max(room.last, this.#floor);
    });
    if (!hasHole) return 'next';
    if (position > this.#repairedFor) {
      this.#repairedFor = position;
      return 'ahead';
    }
    // History has been read since and does not have it: nobody will.
    this.#tellGap(rooms);
    return 'next';
  }

  /** Delivers a heard event, which is `next`. */
  deliver({ epoch, position, rooms, previous, eventText }: ChannelMessage): void {
    const replayable = position !== 0;
    if (replayable) this.position = position;
    const { isFollowed, isWanted } = this.#advance(rooms, position);
    const event = isFollowed ? decodeEventText(eventText) : undefined;
    if (event === undefined) return;
    const { except, volatile, copies } = event;
    const delivery = {
      rooms,
      epoch: replayable ? epoch : this.epoch,
      position,
      replayable,
      volatile,
      except,
      copies,
    };
    const message = new RoomMessage(event, delivery);
    if (replayable) this.#recent.add(message, previous);
    if (isWanted) this.#listener.onMessage(message);
  }

  /** Delivers what was missed, and stands where the page was read. */
  catchUp(page: HistoryPage): void {
    const isNew = page.epoch !== this.epoch;
    if (isNew) this.#begin(page.epoch);
    else if (page.incompleteRooms.length > 0) this.#tellGap(page.incompleteRooms);
    for (const message of page.messages) {
      if (message.position <= this.position) continue;
      this.position = message.position;
      const { isWanted } = this.#advance(message.rooms, message.position);
      this.#recent.add(message);
      if (isWanted) this.#listener.onMessage(message);
    }
    this.reach(page.position);
    this.#floor = page.position;
    const broken = isNew
      ? this.#rooms.subscribed()
      : page.incompleteRooms.flatMap((name) => this.#rooms.get(name) ?? []);
    for (const room of broken) this.#recent.restart(room, this.position);
  }

  /** An epoch that a fresh reading did not find is over. */
  forget(epoch: string): void {
    if (epoch === this.epoch) return;
    this.#past.add(epoch);
    const [oldest] = this.#past;
    if (this.#past.size > PAST_EPOCHS && oldest !== undefined) this.#past.delete(oldest);
  }

  isPast(epoch: string): boolean {
    return this.#past.has(epoch);
  }

  /** All that was published up to here has been heard. */
  reach(position: Position): void {
    this.position = Math.max(this.position, position);
  }

  #begin(epoch: string): void {
    const over = this.epoch;
    this.epoch = epoch;
    this.#past.delete(epoch);
    this.forget(over);
    if (this.isExposed) this.#listener.onEpochChange(epoch);
  }

  /** Makes the event the last of its rooms. @returns whether one is followed here, and whether somebody wants it */
  #advance(names: readonly string[], position: Position): { isFollowed: boolean; isWanted: boolean } {
    let isFollowed = false;
    let isWanted = false;
    for (const name of names) {
      const room = this.#rooms.get(name);
      if (room?.isSubscribed !== true) continue;
      room.last = Math.max(room.last, position);
      isFollowed = true;
      isWanted ||= room.isInUse;
    }
    return { isFollowed, isWanted };
  }

  #tellGap(rooms: readonly string[]): void {
    const wanted = rooms.filter((name) => this.#rooms.get(name)?.isInUse === true);
    if (wanted.length > 0) this.#listener.onGap(wanted);
  }
}
