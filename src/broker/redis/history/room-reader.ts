import type { HistoryPage, HistoryPolicy, RoomHistoryLimits } from '../../broker.interface.js';
import { isComplete } from '../../completeness.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import type { Position, ResumePoint } from '../../../protocol/position.js';
import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import { parseRooms } from '../data/channel-message.js';
import { decodeEventText } from '../data/event-codec.js';
import { READ_SCRIPT } from '../data/read-script.js';
import { isUnreachable } from '../link/redis-errors.js';
import type { RedisKeys } from '../data/redis-keys.js';
import { lastPositionTtlMs } from '../../last-position-ttl.js';
import { clampedLimits } from '../data/clamped-limits.js';

/** Limits of one call, so that it blocks Redis for few milliseconds. */
const MAX_ROOMS_PER_CALL = 200;
const MAX_EVENTS_PER_CALL = 2_000;

/** A stream entry: its id, and the names and values of the fields `p`, `d` and optionally `r`. */
type StreamEntry = readonly [id: string, fields: readonly string[]];

interface StoredRoom {
  readonly room: string;
  readonly limits: RoomHistoryLimits;
}

interface FoundEvent {
  readonly text: string;
  /** All rooms of the event as JSON, if stored. */
  readonly allRoomsJson: string | undefined;
  /** The requested rooms that contain the event. */
  readonly rooms: string[];
}

interface PartialRead {
  readonly epoch: string;
  readonly position: Position;
  /** Last position, if known, and entries of each covered room. */
  readonly rooms: readonly (readonly [last: Position | undefined, entries: readonly StreamEntry[]])[];
}

/** Reads the history of rooms from Redis. Waits while Redis is unreachable. */
export class RoomReader {
  readonly #commands: CommandLink;
  readonly #redisKeys: RedisKeys;
  readonly #policy: HistoryPolicy;
  #pendingPosition: Promise<ResumePoint | undefined> | undefined;

  constructor(commands: CommandLink, redisKeys: RedisKeys, policy: HistoryPolicy) {
    this.#commands = commands;
    this.#redisKeys = redisKeys;
    this.#policy = policy;
  }

  /**
   * Reads the current epoch and position. Every event published after the call has a greater position. The command is
   * sent before this method returns; concurrent calls share one command.
   *
   * @returns `undefined` if Redis does not answer
   */
  currentPosition(): Promise<ResumePoint | undefined> {
    this.#pendingPosition ??= this.#commands
      .run(READ_SCRIPT, [], ['', '1', '0'], { repeatable: true, refusable: false })
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
      for (const [index, [last, entries]] of part.rooms.entries()) {
        const { room, limits } = requested[index] as StoredRoom;
        if (after !== undefined && !isRoomComplete(after, limits, { last, entries, now: part.position })) {
          incompleteRooms.push(room);
        }
        for (const [id, [, , , text = '', , allRoomsJson]] of entries) {
          const at = parseInt(id, 10);
          if (at > position) continue;
          const existing = found.get(at);
          if (existing === undefined) found.set(at, { text, allRoomsJson, rooms: [room] });
          else existing.rooms.push(room);
        }
      }
      next += part.rooms.length;
    } while (next < rooms.length);

    const messages = [...found]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([at, entry]) => {
        const event = decodeEventText(entry.text);
        if (event === undefined) return [];
        const { except, copies } = event;
        const allRooms = entry.allRoomsJson === undefined ? undefined : parseRooms(entry.allRoomsJson);
        return new RoomMessage(event, {
          rooms: allRooms ?? entry.rooms,
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
    ]);
    const ages = requested.map(({ limits }) => `${limits.maxAgeMs * 1_000}`);
    const count = Math.max(1, newest);
    const args = [after === undefined ? '' : `${after}`, `${count}`, `${MAX_EVENTS_PER_CALL}`, ...ages];
    const [epoch, position, ...replies] = (await this.#runWhenReachable(keys, args)) as [string, string];
    const flatReplies = replies as unknown as (string | readonly StreamEntry[])[];
    const rooms: [Position | undefined, readonly StreamEntry[]][] = [];
    for (let index = 0; index < flatReplies.length; index += 2) {
      const last = flatReplies[index] === '' ? undefined : Number(flatReplies[index]);
      rooms.push([
        last,
        after === undefined && newest === 0 ? [] : (flatReplies[index + 1] as readonly StreamEntry[]),
      ]);
    }
    return { epoch, position: Number(position), rooms };
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
  { last, entries, now }: { last: Position | undefined; entries: readonly StreamEntry[]; now: Position },
): boolean {
  const [first] = entries;
  return isComplete(after, {
    first: first && { position: parseInt(first[0], 10), previous: Number(first[1][1]) },
    last,
    now,
    lastPositionTtlUs: lastPositionTtlMs(limits) * 1_000,
  });
}
