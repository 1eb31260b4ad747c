import type { Position } from '../../../protocol/position.js';
import { isLossNotice } from '../data/loss-notice.js';
import type { LuaScript } from '../data/lua-script.js';
import type { MalformedMessages } from '../data/malformed-messages.js';
import { READ_NEWEST_SCRIPT, READ_SCRIPT } from '../data/read-script.js';
import type { RedisKeys } from '../data/redis-keys.js';
import { parseStreamEntry, type StreamEntry } from '../data/stream-entry.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import { isTimeout, isUnreachable } from '../link/redis-errors.js';
import {
  argumentsOfPages,
  keysOfPages,
  parsePage,
  type HistoryPart,
  type PageRequest,
  type ParseEntries,
  type StoredRoom,
} from './history-page.js';
import { MAX_PAGE_BYTES, PageSize } from './page-size.js';
import { ReadBatches } from './read-batches.js';
import { abortable, type QueuedReadOptions, type ReadQueue } from './read-queue.js';

/** Attempts of one call that may time out, each on a new connection and with a smaller page. */
const MAX_TIMEOUTS = 6;

/** Redis answered nothing to a read in `MAX_TIMEOUTS` attempts, although each time it had just accepted a connection. */
export class UnreadableHistoryError extends Error {}

export interface HistoryCallsDependencies {
  /** The connection for commands, which also reads the position without history. */
  readonly commands: Pick<CommandLink, 'whenUp' | 'run'>;
  /** The connection for reads of history. */
  readonly link: Pick<CommandLink, 'whenUp' | 'run'>;
  readonly queue: ReadQueue;
  readonly redisKeys: RedisKeys;
  readonly malformed: MalformedMessages;
  /** Deadline of a call, in milliseconds. */
  readonly timeoutMs: number;
  /** Emits a warning of the process, once for each text. */
  readonly warn: (message: string) => void;
}

interface HistoryCall {
  readonly argsOf: (bytes: number) => readonly string[];
  readonly maxBytes: number;
  /** Attempts that may time out. */
  readonly maxTimeouts: number;
}

/**
 * Calls the read scripts, on a connection of their own and a few at a time, so that publishes never wait for a page.
 * Waits while Redis is unreachable. A call that times out is repeated with smaller pages, and given up at last.
 */
export class HistoryCalls {
  readonly #dependencies: HistoryCallsDependencies;
  readonly #pageSize = new PageSize();
  readonly #batches = new ReadBatches((requests, signal) => this.#readPages(requests, { signal }));

  constructor(dependencies: HistoryCallsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Reads the events of rooms after a position. Reads of one turn of the event loop share a call, those of the node aside.
   *
   * @throws UnreadableHistoryError after `MAX_TIMEOUTS` timeouts; the reason of an aborted signal
   */
  async read(request: PageRequest, options: QueuedReadOptions): Promise<HistoryPart> {
    if (options.isUrgent !== true && request.rooms.length > 0)
      return this.#batches.read(request, options.signal);
    const [page] = await this.#readPages([request], options);
    return page as HistoryPart;
  }

  /** Reads as many of some pages as one call may have, in their order, and at least the first one. */
  async #readPages(
    requests: readonly PageRequest[],
    options: QueuedReadOptions,
  ): Promise<readonly HistoryPart[]> {
    const keys = keysOfPages(requests, this.#dependencies.redisKeys);
    const argsOf = (bytes: number): string[] => argumentsOfPages(requests, bytes);
    const isShared = requests.length > 1;
    const maxBytes = isShared ? MAX_PAGE_BYTES : (requests[0] as PageRequest).maxBytes;
    // The pages of a shared call that times out are read alone.
    const maxTimeouts = isShared ? 1 : MAX_TIMEOUTS;
    const reply = await this.#run(READ_SCRIPT, keys, { argsOf, maxBytes, maxTimeouts }, options);
    const [epoch, position, ...pages] = reply as [string, string, ...(readonly RedisReply[])[]];
    const point = { epoch, position: Number(position) };
    const entriesOf: ParseEntries = (room, replies) => this.#parseEntries(room, replies);
    return pages.map((page, index) => parsePage(requests[index] as PageRequest, point, page, entriesOf));
  }

  /** Reads the newest `count` events of a room, oldest first, and the epoch and position of the first call. */
  async readNewest(
    { room, limits }: StoredRoom,
    count: number,
    options: QueuedReadOptions,
  ): Promise<{ readonly epoch: string; readonly position: Position; readonly entries: StreamEntry[] }> {
    const keys = [this.#dependencies.redisKeys.stream(room)];
    const newestFirst: RedisReply[] = [];
    let first: { epoch: string; position: Position } | undefined;
    for (;;) {
      const before = entryId(newestFirst.at(-1));
      const left = count - newestFirst.length;
      const argsOf = (bytes: number): string[] => [
        `${left}`,
        before,
        `${bytes}`,
        `${limits.maxAgeMs * 1_000}`,
      ];
      const call = { argsOf, maxBytes: Infinity, maxTimeouts: MAX_TIMEOUTS };
      const reply = await this.#run(READ_NEWEST_SCRIPT, keys, call, options);
      const [epoch, position, found] = reply as [string, string, readonly RedisReply[]];
      // Begins again if a new epoch began between two calls.
      if (first !== undefined && first.epoch !== epoch) {
        newestFirst.length = 0;
        first = undefined;
        continue;
      }
      first ??= { epoch, position: Number(position) };
      newestFirst.push(...found);
      if (found.length === 0 || newestFirst.length >= count) break;
    }
    const entries = this.#parseEntries(room, newestFirst.toReversed());
    return { ...first, entries: entries.filter(({ event }) => !isLossNotice(event)) };
  }

  async #run(
    script: LuaScript,
    keys: readonly string[],
    { argsOf, maxBytes, maxTimeouts }: HistoryCall,
    options: QueuedReadOptions,
  ): Promise<RedisReply> {
    const { commands, queue, timeoutMs, warn } = this.#dependencies;
    const { signal } = options;
    const link = keys.length === 0 ? commands : this.#dependencies.link;
    const backOff = new BackOff();
    for (let timeouts = 0; ;) {
      signal?.throwIfAborted();
      await abortable(link.whenUp(), signal);
      let bytes = 0;
      let startMs = 0;
      try {
        const reply = await queue.run(() => {
          bytes = this.#pageSize.limit(maxBytes);
          startMs = performance.now();
          return link.run(script, keys, argsOf(bytes), { repeatable: true, refusable: false });
        }, options);
        if (performance.now() - startMs < timeoutMs / 4) this.#pageSize.arrived();
        return reply;
      } catch (error) {
        if (signal?.aborted === true || !isUnreachable(error)) throw error;
        if (isTimeout(error)) {
          this.#pageSize.timedOut(bytes);
          warn(`Redis did not answer a read of history within ${timeoutMs} ms: it is read in smaller pages.`);
          if (++timeouts === maxTimeouts) throw new UnreadableHistoryError();
        }
        await abortable(backOff.wait(), signal);
      }
    }
  }

  /** Skips malformed entries: they are in no room's chain of previous positions, so their absence is no gap. */
  #parseEntries(room: string, replies: readonly RedisReply[]): StreamEntry[] {
    return replies.flatMap((reply) => {
      const entry = parseStreamEntry(room, reply);
      if (entry === undefined) this.#dependencies.malformed.ignore('history entry');
      return entry ?? [];
    });
  }
}

function entryId(reply: RedisReply | undefined): string {
  return reply === undefined ? '' : String((reply as readonly RedisReply[])[0]);
}
