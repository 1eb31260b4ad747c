import type { HistoryPage } from '../../broker.interface.js';
import type { Position } from '../../../protocol/position.js';
import { bytesOf } from '../../history-trimmer.js';
import type { NodePosition, RecentEvents } from './recent-events.js';
import type { RoomReader } from './room-reader.js';

/**
 * Time for which a read's result is reused, in milliseconds. A burst of resumes causes one read per room list in this
 * time.
 */
export const REUSE_MS = 2_000;

/** Byte limit of reusable results, as a share of the byte limit of recent events. */
const REUSE_SHARE = 1 / 4;

interface SharedRead {
  readonly after: Position;
  readonly page: Promise<HistoryPage>;
  /** `RecentEvents.skipped` at the start. A later event without history is not in the result. */
  readonly skipped: number;
}

export interface SharedReadsDependencies {
  readonly reader: Pick<RoomReader, 'read'>;
  readonly recent: RecentEvents;
  readonly node: NodePosition;
  /** Returns `true` if this node has delivered every event up to its position. */
  readonly isLive: () => boolean;
  /** Byte limit of recent events. */
  readonly maxBytes: number;
}

/**
 * Reads history for resumes: from this node's recent events if they suffice, otherwise from Redis with one read for
 * many clients.
 *
 * Clients that lose their connections together, for example when a node stops, reconnect together with the same rooms
 * and similar last event ids. The result of the first read, plus the events delivered since, serves the other clients
 * too.
 */
export class SharedReads {
  readonly #dependencies: SharedReadsDependencies;
  readonly #sharedReads = new Map<string, SharedRead>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #reusableBytes = 0;

  constructor(dependencies: SharedReadsDependencies) {
    this.#dependencies = dependencies;
  }

  async read(rooms: readonly string[], after: Position): Promise<HistoryPage> {
    const { reader, recent, node } = this.#dependencies;
    const recentPage = this.#readRecent(rooms, after);
    if (recentPage !== undefined) return recentPage;
    // A shared read needs the events delivered since, which exist for subscribed rooms only.
    if (!recent.isSubscribedTo(rooms)) return reader.read(rooms, after);
    const roomsKey = JSON.stringify(rooms);
    const earlier = this.#reusable(roomsKey);
    if (earlier !== undefined && earlier.after <= after) {
      const requested = { epoch: node.epoch, position: node.position };
      const page = this.#reuse(rooms, after, requested, earlier.after, await earlier.page);
      if (page !== undefined) return page;
    }
    const later = this.#reusable(roomsKey);
    // A read started while this call waited also covers this call.
    return later !== undefined && later !== earlier && later.after === after
      ? later.page
      : this.#startRead(roomsKey, rooms, after);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#sharedReads.clear();
  }

  #reusable(roomsKey: string): SharedRead | undefined {
    const sharedRead = this.#sharedReads.get(roomsKey);
    return sharedRead?.skipped === this.#dependencies.recent.skipped ? sharedRead : undefined;
  }

  #readRecent(rooms: readonly string[], after: Position): HistoryPage | undefined {
    const { recent, node, isLive } = this.#dependencies;
    return isLive() ? recent.read(rooms, after, node) : undefined;
  }

  /**
   * Derives a page from the result of an earlier read. The page must reach at least `requested.position`, because the
   * client receives only later events live; recent events fill the difference.
   *
   * Example: a read after 10 returned the events 11 and 15 at position 20. A request after 12, made at node position
   * 25, gets event 15 plus the recent events from 21 to 25.
   *
   * @param readAfter position after which the earlier read started
   * @returns `undefined` if the earlier result cannot be reused
   */
  #reuse(
    rooms: readonly string[],
    after: Position,
    requested: { readonly epoch: string; readonly position: Position },
    readAfter: Position,
    page: HistoryPage,
  ): HistoryPage | undefined {
    if (page.epoch !== requested.epoch) return undefined;
    // A gap after the earlier read's position does not imply a gap after this one.
    if (page.incompleteRooms.length > 0 && readAfter !== after) return undefined;
    let { position, messages } = page;
    if (position < requested.position) {
      const recentPage = this.#readRecent(rooms, position);
      if (recentPage?.epoch !== page.epoch) return undefined;
      position = recentPage.position;
      messages = [...messages, ...recentPage.messages];
    }
    const missed = messages.filter((message) => message.position > after);
    const [first] = missed;
    const isExpired = first !== undefined && this.#dependencies.recent.isExpired(rooms, first.position);
    return position < after || isExpired ? undefined : { ...page, position, messages: missed };
  }

  #startRead(roomsKey: string, rooms: readonly string[], after: Position): Promise<HistoryPage> {
    const { reader, recent } = this.#dependencies;
    const sharedRead = { after, page: reader.read(rooms, after), skipped: recent.skipped };
    this.#sharedReads.set(roomsKey, sharedRead);
    const remove = (): void => {
      if (this.#sharedReads.get(roomsKey) === sharedRead) this.#sharedReads.delete(roomsKey);
    };
    sharedRead.page.then((page) => this.#scheduleRemoval(page, remove), remove);
    return sharedRead.page;
  }

  #scheduleRemoval({ messages }: HistoryPage, remove: () => void): void {
    const bytes = messages.reduce((sum, message) => sum + bytesOf(message), 0);
    if (this.#reusableBytes + bytes > this.#dependencies.maxBytes * REUSE_SHARE) return remove();
    this.#reusableBytes += bytes;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#reusableBytes -= bytes;
      remove();
    }, REUSE_MS).unref();
    this.#timers.add(timer);
  }
}
