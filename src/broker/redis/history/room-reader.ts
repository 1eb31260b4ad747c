import type { HistoryPage, HistoryPolicy, ReadOptions } from '../../broker.interface.js';
import type { Position, ResumePoint } from '../../../protocol/position.js';
import type { CommandLink } from '../link/command-link.js';
import { READ_SCRIPT } from '../data/read-script.js';
import { clampedLimits } from '../data/clamped-limits.js';
import { FoundEvents } from './found-events.js';
import { UnreadableHistoryError, type HistoryCalls } from './history-calls.js';
import type { StoredRoom } from './history-page.js';
import { MAX_PAGE_BYTES, MAX_ROOMS_PER_CALL } from './page-size.js';
import type { QueuedReadOptions } from './read-queue.js';

/** A page read from Redis. */
export interface ReadPage extends HistoryPage {
  /** Position of the whole read, also for a page that ends early. Default: `position`. */
  readonly current?: Position;
}

/** The current position of Redis. */
export interface CurrentPosition extends ResumePoint {
  /** See `HistoryPage.restoredUpTo`. */
  readonly restoredUpTo: Position;
  /** The number of events that were stored again. */
  readonly restoredEvents: number;
}

export interface RoomReadOptions extends ReadOptions, QueuedReadOptions {}

export interface RoomReaderDependencies {
  /** The connection for commands, which also reads the current position: in order with the publishes of this node. */
  readonly commands: CommandLink;
  readonly calls: Pick<HistoryCalls, 'read' | 'readNewest'>;
  readonly policy: HistoryPolicy;
  /** Emits a warning of the process, once for each text. */
  readonly warn: (message: string) => void;
}

/** Reads the history of rooms from Redis, in pages of bounded size. Waits while Redis is unreachable. */
export class RoomReader {
  readonly #dependencies: RoomReaderDependencies;
  #pendingPosition: Promise<CurrentPosition | undefined> | undefined;

  constructor(dependencies: RoomReaderDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Reads the current epoch and position. Every event published after the call has a greater position. The command is
   * sent before this method returns; concurrent calls share one command.
   *
   * @returns `undefined` if Redis does not answer
   */
  currentPosition(): Promise<CurrentPosition | undefined> {
    this.#pendingPosition ??= this.#dependencies.commands
      .run(READ_SCRIPT, [], ['1', '0'], { repeatable: true, refusable: false })
      .then(
        (reply) => {
          const [epoch, position, restored] = reply as [string, string, string];
          const [, upTo = 0, events = 0] = /^(\d+) (\d+)$/.exec(restored) ?? [];
          const [restoredUpTo, restoredEvents] = [Number(upTo), Number(events)];
          return { epoch, position: Number(position), restoredUpTo, restoredEvents };
        },
        () => undefined,
      )
      .finally(() => (this.#pendingPosition = undefined));
    return this.#pendingPosition;
  }

  /**
   * Reads the events after a position, or the newest `newest` events of each room if `after` is `undefined`. Rooms
   * without history are skipped.
   */
  async read(
    rooms: readonly string[],
    after: Position | undefined,
    newest = 0,
    options: RoomReadOptions = {},
  ): Promise<ReadPage> {
    const storedRooms = [...new Set(rooms)].flatMap((room): StoredRoom[] => {
      const limits = clampedLimits(this.#dependencies.policy, room);
      return limits === false ? [] : [{ room, limits }];
    });
    for (;;) {
      const page =
        after === undefined
          ? await this.#readNewest(storedRooms, newest, options)
          : await this.#readAfter(storedRooms, after, options);
      // Reads again if a new epoch began between two calls.
      if (page !== undefined) return page;
    }
  }

  /** @returns `undefined` if two pages are of different epochs */
  async #readAfter(
    rooms: readonly StoredRoom[],
    after: Position,
    options: RoomReadOptions,
  ): Promise<ReadPage | undefined> {
    const { maxBytes } = options;
    if (maxBytes !== undefined) return this.#readPage(rooms, after, maxBytes, options);
    const pages: HistoryPage[] = [];
    for (let from = after, hasMore = true; hasMore;) {
      const page = await this.#readPage(rooms, from, MAX_PAGE_BYTES, options);
      if (page === undefined || page.epoch !== (pages[0]?.epoch ?? page.epoch)) return undefined;
      pages.push(page);
      from = page.position;
      hasMore = page.hasMore === true;
    }
    const lostUpTo = new Map(pages.flatMap((page) => [...(page.lostUpTo ?? [])]));
    return {
      ...(pages.at(-1) as HistoryPage),
      messages: pages.flatMap(({ messages }) => messages),
      incompleteRooms: [...lostUpTo.keys()],
      lostUpTo,
    };
  }

  /** @returns `undefined` if two parts are of different epochs */
  async #readPage(
    rooms: readonly StoredRoom[],
    after: Position,
    maxBytes: number,
    options: QueuedReadOptions,
  ): Promise<ReadPage | undefined> {
    try {
      return await this.#readParts(rooms, after, maxBytes, options);
    } catch (error) {
      if (!(error instanceof UnreadableHistoryError)) throw error;
    }
    this.#dependencies.warn('A page of history could not be read from Redis: its clients receive a gap.');
    const current = await this.currentPosition();
    if (current === undefined) return undefined;
    const incompleteRooms = rooms.map(({ room }) => room);
    const lostUpTo = new Map(incompleteRooms.map((room) => [room, current.position]));
    return { ...current, messages: [], incompleteRooms, lostUpTo };
  }

  async #readParts(
    rooms: readonly StoredRoom[],
    after: Position,
    maxBytes: number,
    options: QueuedReadOptions,
  ): Promise<ReadPage | undefined> {
    const found = new FoundEvents();
    const lostUpTo = new Map<string, Position>();
    let first: ResumePoint | undefined;
    // The page ends at the position of its first part, as later events arrive live, or before at a cut.
    let end: Position | undefined;
    let hasMore = false;
    for (let next = 0; next === 0 || next < rooms.length; next += MAX_ROOMS_PER_CALL) {
      const requested = { rooms: rooms.slice(next, next + MAX_ROOMS_PER_CALL), after, until: end, maxBytes };
      const part = await this.#dependencies.calls.read(requested, options);
      first ??= { epoch: part.epoch, position: part.position };
      if (part.epoch !== first.epoch) return undefined;
      hasMore ||= part.cut !== undefined;
      end = part.cut ?? end ?? part.position;
      for (const each of part.rooms) {
        found.add(each.room, each.entries, end);
        if (each.lostUpTo !== undefined) lostUpTo.set(each.room, each.lostUpTo);
      }
      const cut = rooms.length > MAX_ROOMS_PER_CALL ? found.trim(first.epoch, maxBytes) : undefined;
      hasMore ||= cut !== undefined;
      end = cut ?? end;
    }
    const [position, { epoch, position: current }] = [end as Position, first as ResumePoint];
    // Parts before a later cut may hold events behind it.
    const messages = found.messages(epoch).filter((message) => message.position <= position);
    return {
      epoch,
      position,
      current,
      messages,
      incompleteRooms: [...lostUpTo.keys()],
      lostUpTo,
      hasMore,
    };
  }

  /** @returns `undefined` if two rooms are read in different epochs */
  async #readNewest(
    rooms: readonly StoredRoom[],
    newest: number,
    options: QueuedReadOptions,
  ): Promise<HistoryPage | undefined> {
    const { calls } = this.#dependencies;
    if (newest === 0 || rooms.length === 0) return this.#readParts([], 0, 1, options);
    const found = new FoundEvents();
    let first: ResumePoint | undefined;
    for (const room of rooms) {
      const { epoch, position, entries } = await calls.readNewest(room, newest, options);
      first ??= { epoch, position };
      if (epoch !== first.epoch) return undefined;
      found.add(room.room, entries, first.position);
    }
    const { epoch, position } = first as ResumePoint;
    return { epoch, position, messages: found.messages(epoch), incompleteRooms: [] };
  }
}
