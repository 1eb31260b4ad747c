import type { HistoryPage, ReadOptions } from '../../broker.interface.js';
import type { Position } from '../../../protocol/position.js';
import { bytesOf } from '../../history/history-trimmer.js';
import { abortable } from './read-queue.js';
import type { NodePosition, RecentEvents } from './recent-events.js';
import type { RoomReader } from './room-reader.js';

/**
 * Time for which a read's result is reused, in milliseconds. A burst of resumes causes one read per room list in this
 * time. 10,000 streams need about 6 s to come back to a node.
 */
export const REUSE_MS = 10_000;

/** Byte limit of reusable results, as a share of the byte limit of recent events. */
const REUSE_SHARE = 1 / 4;

/** Most pages of one room list that are reused. */
const MAX_REUSED_PAGES = 16;

/**
 * Most reads of one room list in flight. A burst of resumes shares a few reads, so only made-up ids reach the limit.
 * A resume over it receives a gap.
 */
export const MAX_READS_OF_ROOMS = 64;

/** Bytes that a reused page counts besides its events. */
const PAGE_OVERHEAD_BYTES = 256;

interface SharedRead {
  /** Reads are numbered in the order of their start. */
  readonly number: number;
  readonly after: Position;
  readonly page: Promise<HistoryPage>;
  /** `RecentEvents.skipped` at the start. A later event without history is not in the result. */
  readonly skipped: number;
  /** Cancels the read, once no call waits for it. */
  readonly cancel: AbortController;
  waiting: number;
  isSettled: boolean;
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
  /** By room list and page size. */
  readonly #sharedReads = new Map<string, Set<SharedRead>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #reusableBytes = 0;
  #count = 0;
  #restoredEvents = 0;

  constructor(dependencies: SharedReadsDependencies) {
    this.#dependencies = dependencies;
  }

  async read(rooms: readonly string[], after: Position, options: ReadOptions = {}): Promise<HistoryPage> {
    const { reader, recent, node } = this.#dependencies;
    const { maxBytes } = options;
    const recentPage = this.#readRecent(rooms, after, maxBytes);
    if (recentPage !== undefined) return recentPage;
    const { signal } = options;
    // A shared read needs the events delivered since, which exist for subscribed rooms only.
    if (!recent.isSubscribedTo(rooms)) return reader.read(rooms, after, 0, { maxBytes, signal });
    const key = JSON.stringify([rooms, maxBytes]);
    const requested = { epoch: node.epoch, position: node.position };
    const newestAtCall = this.#count;
    const tried = new Set<SharedRead>();
    for (;;) {
      const read = nearest(this.#sharedReads.get(key), after, recent.skipped, tried);
      if (read === undefined) break;
      tried.add(read);
      const page = await this.#wait(key, read, signal);
      // A read started while this call waited also covers this call.
      if (read.number > newestAtCall && read.after === after) return page;
      const reused = this.#reuse(rooms, after, requested, read.after, page);
      if (reused !== undefined) return reused;
    }
    const running = [...(this.#sharedReads.get(key) ?? [])].filter(({ isSettled }) => !isSettled);
    if (running.length >= MAX_READS_OF_ROOMS) return this.#gap(rooms, after);
    return this.#wait(key, this.#startRead(key, rooms, after, maxBytes), signal);
  }

  /**
   * Reuses no result of an earlier read, if events were stored again since: it lacks them.
   *
   * @param restoredEvents the number of all events that were stored again
   */
  forgetUnless(restoredEvents: number): void {
    if (this.#restoredEvents === restoredEvents) return;
    this.#restoredEvents = restoredEvents;
    this.#sharedReads.clear();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#sharedReads.clear();
  }

  #readRecent(rooms: readonly string[], after: Position, maxBytes?: number): HistoryPage | undefined {
    const { recent, node, isLive } = this.#dependencies;
    return isLive() ? recent.read(rooms, after, node, maxBytes) : undefined;
  }

  #remove(key: string, read: SharedRead): void {
    const reads = this.#sharedReads.get(key);
    if (reads?.delete(read) === true && reads.size === 0) this.#sharedReads.delete(key);
  }

  /** A page without events. Later events are delivered to the subscribed rooms of this node. */
  #gap(rooms: readonly string[], after: Position): HistoryPage {
    const { epoch, position } = this.#dependencies.node;
    const lostUpTo = new Map(rooms.map((room) => [room, position]));
    const incompleteRooms = [...rooms];
    return { epoch, position: Math.max(position, after), messages: [], incompleteRooms, lostUpTo };
  }

  async #wait(key: string, read: SharedRead, signal: AbortSignal | undefined): Promise<HistoryPage> {
    read.waiting++;
    try {
      return await abortable(read.page, signal);
    } finally {
      if (--read.waiting === 0 && !read.isSettled) {
        this.#remove(key, read);
        read.cancel.abort();
      }
    }
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
    // A cut page is continued by the caller, but must have a part that the caller needs.
    if (page.hasMore === true && position <= after) return undefined;
    if (page.hasMore !== true && position < requested.position) {
      const recentPage = this.#readRecent(rooms, position);
      if (recentPage?.epoch !== page.epoch) return undefined;
      position = recentPage.position;
      messages = [...messages, ...recentPage.messages];
    }
    const missed = messages.filter((message) => message.position > after);
    const [first] = missed;
    const isExpired = first !== undefined && this.#dependencies.recent.isExpired(rooms, first.position);
    return position < after || isExpired ? undefined : { ...page, position, messages: missed, isLocal: true };
  }

  #startRead(
    key: string,
    rooms: readonly string[],
    after: Position,
    maxBytes: number | undefined,
  ): SharedRead {
    const cancel = new AbortController();
    const { reader, recent } = this.#dependencies;
    const { skipped } = recent;
    const page = reader.read(rooms, after, 0, { maxBytes, signal: cancel.signal });
    const read: SharedRead = {
      number: ++this.#count,
      after,
      page,
      skipped,
      cancel,
      waiting: 0,
      isSettled: false,
    };
    const reads = this.#sharedReads.get(key);
    if (reads === undefined) this.#sharedReads.set(key, new Set([read]));
    else reads.add(read);
    page.then(
      (found) => {
        read.isSettled = true;
        this.#scheduleRemoval(key, read, found);
      },
      () => this.#remove(key, read),
    );
    return read;
  }

  #scheduleRemoval(key: string, read: SharedRead, { messages }: HistoryPage): void {
    const bytes = messages.reduce((sum, message) => sum + bytesOf(message), PAGE_OVERHEAD_BYTES);
    const isTooLarge = this.#reusableBytes + bytes > this.#dependencies.maxBytes * REUSE_SHARE;
    const reads = this.#sharedReads.get(key);
    if (isTooLarge || (reads?.size ?? 0) > MAX_REUSED_PAGES) return this.#remove(key, read);
    this.#reusableBytes += bytes;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#reusableBytes -= bytes;
      this.#remove(key, read);
    }, REUSE_MS).unref();
    this.#timers.add(timer);
  }
}

/** The read that starts nearest before a position, and was not tried yet. */
function nearest(
  reads: ReadonlySet<SharedRead> | undefined,
  after: Position,
  skipped: number,
  tried: ReadonlySet<SharedRead>,
): SharedRead | undefined {
  let found: SharedRead | undefined;
  for (const read of reads ?? []) {
    const isNearer = read.after <= after && read.after >= (found?.after ?? 0);
    if (isNearer && read.skipped === skipped && !tried.has(read)) found = read;
  }
  return found;
}
