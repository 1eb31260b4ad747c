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

/** A call that reads more would keep Redis from others for milliseconds. */
const ROOMS_A_CALL = 200;
const EVENTS_A_CALL = 2_000;

/** An entry as Redis gives it: its id, and the names and values of its fields `p`, `d` and, perhaps, `r`. */
type Entry = readonly [id: string, fields: readonly string[]];

interface RoomHistory {
  readonly room: string;
  readonly limits: RoomHistoryLimits;
}

interface FoundEvent {
  readonly text: string;
  /** Its rooms as it was published, as JSON; where that is not kept, it is the rooms that it was found in. */
  readonly all: string | undefined;
  readonly rooms: string[];
}

interface Part {
  readonly epoch: string;
  readonly now: Position;
  /** For each room that was reached: its last position, or nothing, and its entries. */
  readonly rooms: readonly (readonly [last: Position | undefined, entries: readonly Entry[]])[];
}

/** Reads what rooms remember. Where Redis cannot be reached it waits until it can. */
export class RoomReader {
  readonly #commands: CommandLink;
  readonly #names: RedisKeys;
  readonly #policy: HistoryPolicy;
  #now: Promise<ResumePoint | undefined> | undefined;

  constructor(commands: CommandLink, names: RedisKeys, policy: HistoryPolicy) {
    this.#commands = commands;
    this.#names = names;
    this.#policy = policy;
  }

  /**
   * A position of now: whatever this node publishes later has a greater one. The command is on its way when this returns;
   * many calls at once share one. `undefined` where Redis does not answer.
   */
  now(): Promise<ResumePoint | undefined> {
    this.#now ??= this.#commands
      .run(READ_SCRIPT, [], ['', '1', '0'], { repeatable: true, refusable: false })
      .then(
        (reply) => {
          const [epoch, position] = reply as [string, string];
          return { epoch, position: Number(position) };
        },
        () => undefined,
      )
      .finally(() => (this.#now = undefined));
    return this.#now;
  }

  async read(rooms: readonly string[], after: Position | undefined, newest = 0): Promise<HistoryPage> {
    const remembered = [...new Set(rooms)].flatMap((room): RoomHistory[] => {
      const limits = clampedLimits(this.#policy, room);
      return limits === false ? [] : [{ room, limits }];
    });
    for (;;) {
      const page = await this.#readAll(remembered, after, newest);
      // The memory began anew while it was being read in parts.
      if (page !== undefined) return page;
    }
  }

  /** @returns `undefined` where the parts are of two memories */
  async #readAll(
    rooms: readonly RoomHistory[],
    after: Position | undefined,
    newest: number,
  ): Promise<HistoryPage | undefined> {
    const found = new Map<Position, FoundEvent>();
    const incompleteRooms: string[] = [];
    let epoch: string | undefined;
    let position = 0;
    let next = 0;
    do {
      const asked = rooms.slice(next, next + ROOMS_A_CALL);
      const part = await this.#readPart(asked, after, newest);
      // The page is of the moment of its first part: what later parts have beyond it is heard live.
      if (epoch === undefined) position = part.now;
      epoch ??= part.epoch;
      if (part.epoch !== epoch) return undefined;
      for (const [index, [last, entries]] of part.rooms.entries()) {
        const { room, limits } = asked[index] as RoomHistory;
        if (after !== undefined && !isWhole(after, limits, { last, entries, now: part.now })) {
          incompleteRooms.push(room);
        }
        for (const [id, [, , , text = '', , all]] of entries) {
          const at = parseInt(id, 10);
          if (at > position) continue;
          const known = found.get(at);
          if (known === undefined) found.set(at, { text, all, rooms: [room] });
          else known.rooms.push(room);
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
        const all = entry.all === undefined ? undefined : parseRooms(entry.all);
        return new RoomMessage(event, {
          rooms: all ?? entry.rooms,
          epoch,
          position: at,
          replayable: true,
          except,
          copies,
        });
      });
    return { epoch, position, messages, incompleteRooms };
  }

  async #readPart(asked: readonly RoomHistory[], after: Position | undefined, newest: number): Promise<Part> {
    const keys = asked.flatMap(({ room }) => [this.#names.stream(room), this.#names.last(room)]);
    const ages = asked.map(({ limits }) => `${limits.maxAgeMs * 1_000}`);
    const count = Math.max(1, newest);
    const args = [after === undefined ? '' : `${after}`, `${count}`, `${EVENTS_A_CALL}`, ...ages];
    const [epoch, now, ...answers] = (await this.#runWhenReachable(keys, args)) as [string, string];
    const flat = answers as unknown as (string | readonly Entry[])[];
    const rooms: [Position | undefined, readonly Entry[]][] = [];
    for (let index = 0; index < flat.length; index += 2) {
      const last = flat[index] === '' ? undefined : Number(flat[index]);
      rooms.push([last, after === undefined && newest === 0 ? [] : (flat[index + 1] as readonly Entry[])]);
    }
    return { epoch, now: Number(now), rooms };
  }

  async #runWhenReachable(keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const backOff = new BackOff();
    for (;;) {
      await this.#commands.whenUp();
      try {
        return await this.#commands.run(READ_SCRIPT, keys, args, { repeatable: true, refusable: false });
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        await backOff.pass();
      }
    }
  }
}

function isWhole(
  after: Position,
  limits: RoomHistoryLimits,
  { last, entries, now }: { last: Position | undefined; entries: readonly Entry[]; now: Position },
): boolean {
  const [first] = entries;
  return isComplete(after, {
    first: first && { position: parseInt(first[0], 10), previous: Number(first[1][1]) },
    last,
    now,
    lastPositionTtlUs: lastPositionTtlMs(limits) * 1_000,
  });
}
