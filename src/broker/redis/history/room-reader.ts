import type { HistoryPage, HistoryPolicy, RoomHistoryLimits } from '../../broker.interface.js';
import { isComplete } from '../../completeness.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import type { Position, ResumePoint } from '../../../protocol/position.js';
import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import type { StoredEvent } from '../data/event-codec.js';
import type { MalformedMessages } from '../data/malformed-messages.js';
import { READ_SCRIPT } from '../data/read-script.js';
import { parseStreamEntry, type StreamEntry } from '../data/stream-entry.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import { isUnreachable } from '../link/redis-errors.js';
import type { RedisKeys } from '../data/redis-keys.js';
import { lastPositionTtlMs } from '../../last-position-ttl.js';
import { clampedLimits } from '../data/clamped-limits.js';

/** Limits of one call, so that it blocks Redis for few milliseconds. */
const MAX_ROOMS_PER_CALL = 200;
const MAX_EVENTS_PER_CALL = 2_000;

interface StoredRoom {
  readonly room: string;
  readonly limits: RoomHistoryLimits;
}

interface FoundEvent {
  readonly event: StoredEvent;
  /** All rooms of the event, if stored. */
  readonly allRooms: readonly string[] | undefined;
  /** The requested rooms that contain the event. */
  readonly rooms: string[];
}

interface RoomPart {
  /** The position of the room's last event, or the position up to which an event may be forgotten. */
  readonly last: Position;
  /** The position of the room's last event that was published without history; 0 if there is none. */
  readonly unstored: Position;
  readonly entries: readonly StreamEntry[];
}

interface PartialRead {
  readonly epoch: string;
  readonly position: Position;
  /** The covered rooms. */
  readonly rooms: readonly RoomPart[];
}

/** Reads the history of rooms from Redis. Waits while Redis is unreachable. */
export class RoomReader {
  readonly #commands: CommandLink;
  readonly #redisKeys: RedisKeys;
  readonly #policy: HistoryPolicy;
  readonly #malformed: MalformedMessages;
  #pendingPosition: Promise<ResumePoint | undefined> | undefined;

  constructor(
    commands: CommandLink,
    redisKeys: RedisKeys,
    policy: HistoryPolicy,
    malformed: MalformedMessages,
  ) {
    this.#commands = commands;
    this.#redisKeys = redisKeys;
    this.#policy = policy;
    this.#malformed = malformed;
  }

  /**
   * Reads the current epoch and position. Every event published after the call has a greater position. The command is
   * sent before this method returns; concurrent calls share one command.
   *
   * @returns `undefined` if Redis does not answer
   */
  currentPosition(): Promise<ResumePoint | undefined> {
    this.#pendingPosition ??= this.#commands
      .run(READ_SCRIPT, [], ['', '1', '0', '0'], { repeatable: true, refusable: false })
      .then(
        (reply) => {
          const [epoch, position] = reply as [string, string];
          return { epoch, position: Number(position) };
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
  async read(rooms: readonly string[], after: Position | undefined, newest = 0): Promise<HistoryPage> {
    const storedRooms = [...new Set(rooms)].flatMap((room): StoredRoom[] => {
      const limits = clampedLimits(this.#policy, room);
      return limits === false ? [] : [{ room, limits }];
    });
    for (;;) {
      const page = await this.#readAll(storedRooms, after, newest);
      // Reads again if a new epoch began between two parts.
      if (page !== undefined) return page;
    }
  }

  /** @returns `undefined` if the parts are of different epochs */
  async #readAll(
    rooms: readonly StoredRoom[],
    after: Position | undefined,
    newest: number,
  ): Promise<HistoryPage | undefined> {
    const found = new Map<Position, FoundEvent>();
    const incompleteRooms: string[] = [];
    let epoch: string | undefined;
    let position = 0;
    let next = 0;
    do {
      const requested = rooms.slice(next, next + MAX_ROOMS_PER_CALL);
      const part = await this.#readPart(requested, after, newest);
      // The page ends at the position of its first part; later events arrive live.
      if (epoch === undefined) position = part.position;
      epoch ??= part.epoch;
      if (part.epoch !== epoch) return undefined;
      for (const [index, roomPart] of part.rooms.entries()) {
        const { room, limits } = requested[index] as StoredRoom;
        if (after !== undefined && !isRoomComplete(after, limits, roomPart, part.position)) {
          incompleteRooms.push(room);
        }
        for (const { position: at, event, allRooms } of roomPart.entries) {
          if (at > position) continue;
          const existing = found.get(at);
          if (existing === undefined) found.set(at, { event, allRooms, rooms: [room] });
          else existing.rooms.push(room);
        }
      }
      next += part.rooms.length;
    } while (next < rooms.length);

    const messages = [...found]
      .toSorted(([a], [b]) => a - b)
      .map(([at, { event, allRooms, rooms: foundRooms }]) => {
        const { except, copies } = event;
        return new RoomMessage(event, {
          rooms: allRooms ?? foundRooms,
          epoch,
          position: at,
          replayable: true,
          except,
          copies,
        });
      });
    return { epoch, position, messages, incompleteRooms };
  }

  async #readPart(
    requested: readonly StoredRoom[],
    after: Position | undefined,
    newest: number,
  ): Promise<PartialRead> {
    const keys = requested.flatMap(({ room }) => [
      this.#redisKeys.stream(room),
      this.#redisKeys.lastPosition(room),
      this.#redisKeys.unstoredPosition(room),
    ]);
    const ages = requested.map(({ limits }) => `${limits.maxAgeMs * 1_000}`);
    const count = Math.max(1, newest);
    const ttlMs = Math.max(0, ...requested.map(({ limits }) => lastPositionTtlMs(limits)));
    const head = [after === undefined ? '' : `${after}`, `${count}`, `${MAX_EVENTS_PER_CALL}`, `${ttlMs}`];
    const args = [...head, ...ages];
    const [epoch, position, ...replies] = (await this.#runWhenReachable(keys, args)) as [string, string];
    const flatReplies = replies as unknown as (string | readonly RedisReply[])[];
    const rooms: RoomPart[] = [];
    for (let index = 0; index < flatReplies.length; index += 2) {
      const { room } = requested[index / 2] as StoredRoom;
      const entries = flatReplies[index + 1] as readonly RedisReply[];
      const [last, unstored] = parsePositions(flatReplies[index] as string);
      const isUnused = after === undefined && newest === 0;
      rooms.push({ last, unstored, entries: isUnused ? [] : this.#parseEntries(room, entries) });
    }
    return { epoch, position: Number(position), rooms };
  }

  /** Skips malformed entries: they are in no room's chain of previous positions, so their absence is no gap. */
  #parseEntries(room: string, replies: readonly RedisReply[]): StreamEntry[] {
    return replies.flatMap((reply) => {
      const entry = parseStreamEntry(room, reply);
      if (entry === undefined) this.#malformed.ignore('history entry');
      return entry ?? [];
    });
  }

  async #runWhenReachable(keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const backOff = new BackOff();
    for (;;) {
      await this.#commands.whenUp();
      try {
        return await this.#commands.run(READ_SCRIPT, keys, args, { repeatable: true, refusable: false });
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        await backOff.wait();
      }
    }
  }
}

function isRoomComplete(
  after: Position,
  limits: RoomHistoryLimits,
  { last, unstored, entries: [first] }: RoomPart,
  now: Position,
): boolean {
  const lastPositionTtlUs = lastPositionTtlMs(limits) * 1_000;
  return unstored <= after && isComplete(after, { first, last, now, lastPositionTtlUs });
}

/** @returns infinite positions for malformed text, after which nothing is complete */
function parsePositions(text: string): [last: Position, unstored: Position] {
  const [, last, unstored] = /^(\d{1,16}) (\d{1,16})$/.exec(text) ?? [];
  return [Number(last ?? Infinity), Number(unstored ?? Infinity)];
}
