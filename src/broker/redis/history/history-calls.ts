import type { Position } from '../../../protocol/position.js';
import { isComplete, lastPositionTtlMs, newestLoss, type RoomEvidence } from '../../completeness.js';
import type { RoomHistoryLimits } from '../../broker.interface.js';
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
import { PageSize } from './page-size.js';
import { abortable, type QueuedReadOptions, type ReadQueue } from './read-queue.js';

/** Attempts of one call that may time out, each on a new connection and with a smaller page. */
const MAX_TIMEOUTS = 6;

/** Redis answered nothing to a read in `MAX_TIMEOUTS` attempts, although each time it had just accepted a connection. */
export class UnreadableHistoryError extends Error {}

export interface StoredRoom {
  readonly room: string;
  readonly limits: RoomHistoryLimits;
}

/** The history of some rooms, read by one call. */
export interface HistoryPart {
  readonly epoch: string;
  /** Position of the read. */
  readonly position: Position;
  /** Position at which the part ends early; `undefined` for a whole part. */
  readonly cut: Position | undefined;
  /** In the order of the requested rooms. */
  readonly rooms: readonly RoomPart[];
}

interface RoomPart extends StoredRoom {
  readonly entries: readonly StreamEntry[];
  /** The newest position at which an event may be missing; `undefined` for a complete room. */
  readonly lostUpTo: Position | undefined;
}

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

/**
 * Calls the read scripts, on a connection of their own and a few at a time, so that publishes never wait for a page.
 * Waits while Redis is unreachable. A call that times out is repeated with smaller pages, and given up at last.
 */
export class HistoryCalls {
  readonly #dependencies: HistoryCallsDependencies;
  readonly #pageSize = new PageSize();

  constructor(dependencies: HistoryCallsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Reads the events of rooms after a position.
   *
   * @param until position at which the part ends at the latest; `undefined` for none
   * @throws UnreadableHistoryError after `MAX_TIMEOUTS` timeouts; the reason of an aborted signal
   */
  async read(
    rooms: readonly StoredRoom[],
    { after, until, maxBytes }: { after: Position; until: Position | undefined; maxBytes: number },
    options: QueuedReadOptions,
  ): Promise<HistoryPart> {
    const { redisKeys } = this.#dependencies;
    const keys = rooms.flatMap(({ room }) => [
      redisKeys.stream(room),
      redisKeys.lastPosition(room),
      redisKeys.unstoredPosition(room),
    ]);
    const ages = rooms.map(({ limits }) => `${limits.maxAgeMs * 1_000}`);
    const ttlMs = Math.max(0, ...rooms.map(({ limits }) => lastPositionTtlMs(limits)));
    const argsOf = (bytes: number): string[] => [
      `${after}`,
      `${until ?? ''}`,
      `${bytes}`,
      `${ttlMs}`,
      ...ages,
    ];
    const reply = await this.#run(READ_SCRIPT, keys, { argsOf, maxBytes }, options);
    const [epoch, position, cut, ...replies] = reply as [string, string, string, ...RedisReply[]];
    return {
      epoch,
      position: Number(position),
      cut: cut === '' ? undefined : Number(cut),
      rooms: rooms.map(({ room, limits }, index) => {
        const [last, unstored, firstId, firstPrevious, found] = replies.slice(5 * index, 5 * index + 5);
        const entries = this.#parseEntries(room, found as readonly RedisReply[]);
        const evidence: RoomEvidence = {
          first: entries[0] ?? parseFirst(String(firstId), String(firstPrevious)),
          // A malformed position may hide any event.
          last: parsePosition(String(last)) ?? Number(position),
          unstored: parsePosition(String(unstored)) ?? Number(position),
          now: Number(position),
          lastPositionTtlUs: lastPositionTtlMs(limits) * 1_000,
        };
        const notices = entries.filter(({ event }) => isLossNotice(event));
        const losses = notices.map((notice) => notice.position);
        if (!isComplete(after, evidence)) losses.push(newestLoss(evidence));
        const lostUpTo = losses.length === 0 ? undefined : Math.max(...losses);
        const events = entries.filter((entry) => !notices.includes(entry));
        return { room, limits, entries: events, lostUpTo };
      }),
    };
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
      const reply = await this.#run(READ_NEWEST_SCRIPT, keys, { argsOf, maxBytes: Infinity }, options);
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
    { argsOf, maxBytes }: { argsOf: (bytes: number) => readonly string[]; maxBytes: number },
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
          if (++timeouts === MAX_TIMEOUTS) throw new UnreadableHistoryError();
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

function parseFirst(id: string, previousDigits: string): RoomEvidence['first'] {
  const position = parsePosition(id.replace(/-0$/, ''));
  const previous = parsePosition(previousDigits);
  return position === undefined || previous === undefined ? undefined : { position, previous };
}

/** @returns `undefined` for an unknown position, and for malformed text */
function parsePosition(text: string): Position | undefined {
  const position = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(position) ? position : undefined;
}
