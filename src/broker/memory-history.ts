import { nowUs, type Position } from '../protocol/position.js';
import type { RoomMessage } from '../protocol/room-message.js';
import type { HistoryPolicy } from './broker.interface.js';
import { isComplete } from './completeness.js';
import { lastLifetimeMs } from './last-lifetime.js';
import { RoomHistory } from './room-history.js';

/** An event's objects around its text, measured: rings, ids and the frame's Buffers. */
const ENTRY_OVERHEAD_BYTES = 800;

const MIN_SWEEP_MS = 1_000;
const MAX_SWEEP_MS = 60_000;

export interface HistorySlice {
  readonly messages: RoomMessage[];
  readonly incompleteRooms: string[];
}

/** Where an event is remembered. Its position, not the event: a room that drops it lets go of it. */
interface Place {
  readonly room: RoomHistory;
  readonly position: Position;
}

/** The memory of all rooms of one process, bounded by events and age per room and by bytes over all rooms. */
export class MemoryHistory {
  readonly #policy: HistoryPolicy;
  readonly #rooms = new Map<string, RoomHistory>();
  /** Where every event of every room is, oldest first; events that their room has dropped are passed over. */
  #byAge: Place[] = [];
  #byAgeStart = 0;
  #entryCount = 0;
  #bytes = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(policy: HistoryPolicy) {
    this.#policy = policy;
  }

  remembers(room: string): boolean {
    return this.#rooms.has(room) || this.#policy.limitsOf(room) !== false;
  }

  add(message: RoomMessage): void {
    const bytes = bytesOf(message.data) + ENTRY_OVERHEAD_BYTES;
    for (const name of message.rooms) {
      const room = this.#room(name);
      if (room === undefined) continue;
      room.add(message, bytes);
      this.#byAge.push({ room, position: message.position });
      this.#bytes += bytes;
      this.#entryCount++;
      while (room.size > room.limits.maxEvents) this.#drop(room);
    }
    this.#trimBytes();
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#sweepEveryMs(message.rooms)).unref();
  }

  after(rooms: readonly string[], after: Position, now: Position): HistorySlice {
    const found: RoomMessage[] = [];
    const incompleteRooms: string[] = [];
    for (const name of rooms) {
      const limits = this.#policy.limitsOf(name);
      if (limits === false) continue;
      const room = this.#rooms.get(name);
      if (room !== undefined) this.#expire(room, now);
      const entries = room?.after(after) ?? [];
      const [first] = entries;
      const complete = isComplete(after, {
        first: first && { position: first.message.position, previous: first.previous },
        last: room?.lastPosition,
        now,
        lastLifetimeUs: lastLifetimeMs(limits) * 1_000,
      });
      if (!complete) incompleteRooms.push(name);
      for (const entry of entries) found.push(entry.message);
    }
    return { messages: inOrder(found), incompleteRooms };
  }

  newest(rooms: readonly string[], count: number): HistorySlice {
    const now = nowUs();
    const found = rooms.flatMap((name) => {
      const room = this.#rooms.get(name);
      if (room !== undefined) this.#expire(room, now);
      return room?.newest(count).map((entry) => entry.message) ?? [];
    });
    return { messages: inOrder(found), incompleteRooms: [] };
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#rooms.clear();
    this.#byAge = [];
  }

  #room(name: string): RoomHistory | undefined {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const limits = this.#policy.limitsOf(name);
    if (limits === false) return undefined;
    const room = new RoomHistory(limits);
    this.#rooms.set(name, room);
    return room;
  }

  #expire(room: RoomHistory, now: Position): void {
    const oldestUs = now - room.limits.maxAgeMs * 1_000;
    while ((room.oldest?.message.position ?? Infinity) < oldestUs) this.#drop(room);
  }

  #drop(room: RoomHistory): void {
    this.#bytes -= room.shift();
    this.#entryCount--;
  }

  #trimBytes(): void {
    while (this.#bytes > this.#policy.maxBytes && this.#byAgeStart < this.#byAge.length) {
      const { room, position } = this.#byAge[this.#byAgeStart++] as Place;
      if (room.oldest?.message.position === position) this.#drop(room);
    }
    this.#compact();
  }

  /** Rebuilds the list by age once most of it stands for events that are gone. */
  #compact(): void {
    if (this.#byAge.length <= 2 * this.#entryCount + 64) return;
    this.#byAge = this.#byAge
      .slice(this.#byAgeStart)
      .filter(({ room, position }) => (room.oldest?.message.position ?? Infinity) <= position);
    this.#byAgeStart = 0;
  }

  #sweepEveryMs(rooms: readonly string[]): number {
    const ages = rooms.map((name) => this.#rooms.get(name)?.limits.maxAgeMs ?? MAX_SWEEP_MS);
    return Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, Math.min(...ages) / 4));
  }

  /** Forgets expired events, and rooms whose last position is older than anyone may still ask about. */
  #sweep(): void {
    const now = nowUs();
    for (const [name, room] of this.#rooms) {
      this.#expire(room, now);
      const lifetimeUs = lastLifetimeMs(room.limits) * 1_000;
      if (room.size === 0 && now - room.lastPosition > lifetimeUs) this.#rooms.delete(name);
    }
    this.#compact();
    if (this.#rooms.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

/** What an event's text takes: as the string that was published, and as the bytes of its frame. */
function bytesOf(text: string): number {
  const encoded = Buffer.byteLength(text);
  // V8 keeps two bytes a character as soon as one does not fit into one.
  return encoded + (encoded === text.length ? 1 : 2) * text.length;
}

function inOrder(messages: RoomMessage[]): RoomMessage[] {
  messages.sort((a, b) => a.position - b.position);
  // An event that went to several of the rooms stands beside itself.
  return messages.filter((message, index) => message !== messages[index - 1]);
}
