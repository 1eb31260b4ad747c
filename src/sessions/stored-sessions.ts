import type { SessionChange, SessionTarget } from '../broker/session-store.interface.js';
import type { ResumePoint } from '../protocol/position.js';
import { SseError } from '../protocol/sse-error.js';
import type { StreamSessions } from './stream-sessions.js';

/** The sessions of a key, of some users, or of both. */
interface NamedSessions {
  readonly session?: string | undefined;
  readonly users?: readonly string[] | undefined;
  /** True for the session of a client without a user. */
  readonly withoutUser?: true | undefined;
  /** Only streams in this room are meant: stored sessions are not asked for it. */
  readonly room?: string | undefined;
}

interface StoredChange {
  readonly stored: number;
  readonly isFull: boolean;
}

/** Rooms that sessions join and leave with one change. */
interface StoredRooms {
  readonly join: readonly string[];
  readonly leave: readonly string[];
}

/** Returns the positions of some rooms now, by room. Waits while the broker cannot be reached. */
export type PointsOf = (
  rooms: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, ResumePoint>>;

/** The broker, as far as joins of stored sessions need it. */
export interface JoinPoints {
  readonly pointsOf: PointsOf;
  /** Returns true for a room whose position the store knows at the moment of a join, as in `SessionStore.joinsNow`. */
  readonly isKnownToStore: (room: string) => boolean;
}

/** Changes of stored sessions, whether their streams are open or not. */
export class StoredSessions {
  readonly #sessions: Pick<StreamSessions, 'change' | 'store' | 'maxRooms'>;
  readonly #points: JoinPoints;

  constructor(sessions: Pick<StreamSessions, 'change' | 'store' | 'maxRooms'>, points: JoinPoints) {
    this.#sessions = sessions;
    this.#points = points;
  }

  /** Stores a room with the position of this moment. @throws SseError `broker-closed`, `broker-unavailable` */
  async join(target: NamedSessions, room: string, timeoutMs: number): Promise<StoredChange> {
    const { stored, full } = await this.change(target, { join: [room], leave: [] }, timeoutMs);
    return { stored, isFull: full.length > 0 };
  }

  /** Removes a room. @throws SseError `broker-closed`, `broker-unavailable` */
  async leave(target: NamedSessions, room: string): Promise<StoredChange> {
    const isMeant = target.room === undefined || target.room === room;
    const names = isMeant ? await this.#namesOf(target) : [];
    const { stored } = await this.#store(names.map((name) => ({ ...name, do: 'leave', room })));
    return { stored, isFull: false };
  }

  /**
   * Removes some rooms and stores others, with the position of this moment: leaves first, which may make room for joins. One
   * call to the store makes up to 256 changes.
   *
   * @returns how many sessions have a room that is stored or removed, and the rooms for which a session had no room
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  async change(
    target: NamedSessions,
    { join, leave }: StoredRooms,
    timeoutMs: number,
  ): Promise<{ readonly stored: number; readonly full: readonly string[] }> {
    const names = target.room === undefined ? await this.#namesOf(target) : [];
    if (names.length === 0) return { stored: 0, full: [] };
    const read = join.filter((room) => !this.#points.isKnownToStore(room));
    const points = read.length === 0 ? new Map<string, never>() : await this.#pointsNow(read, timeoutMs);
    const { maxRooms } = this.#sessions;
    return this.#store(
      names.flatMap((name): SessionChange[] => [
        ...leave.map((room): SessionChange => ({ ...name, do: 'leave', room })),
        ...join.map((room): SessionChange => {
          const point: ResumePoint | undefined = points.get(room);
          if (point === undefined) return { ...name, do: 'joinNow', room, maxRooms };
          const { epoch, position } = point;
          return { ...name, do: 'join', room, epoch, position, maxRooms };
        }),
      ]),
    );
  }

  async #store(
    changes: readonly SessionChange[],
  ): Promise<{ readonly stored: number; readonly full: readonly string[] }> {
    const outcomes = await Promise.all(changes.map(async (change) => this.#sessions.change(change)));
    const done = new Set<string>();
    const full = new Set<string>();
    for (const [index, { result }] of outcomes.entries()) {
      const change = changes[index] as SessionChange;
      if (result === 'done') done.add(JSON.stringify([change.key, change.user]));
      if (result === 'full' && 'room' in change) full.add(change.room);
    }
    return { stored: done.size, full: [...full] };
  }

  async #namesOf({ session: key, users, withoutUser }: NamedSessions): Promise<SessionTarget[]> {
    if (key !== undefined && withoutUser === true) return [{ key, user: undefined }];
    if (key !== undefined) return users?.map((user) => ({ key, user })) ?? [{ key, ofAllUsers: true }];
    const keys = await Promise.all(
      (users ?? []).map(async (user) => {
        const ofUser = await this.#sessions.store.keysOf(user);
        return ofUser.map((each) => ({ key: each, user }));
      }),
    );
    return keys.flat();
  }

  async #pointsNow(rooms: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, ResumePoint>> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const points = await this.#points.pointsOf(rooms, signal);
      if (!signal.aborted) return points;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    const names = rooms.length === 1 ? `the room "${rooms[0]}"` : `${rooms.length} rooms`;
    throw new SseError(
      'broker-unavailable',
      `The position of ${names} could not be read within ${timeoutMs} ms. Nothing is done. Check the broker.`,
    );
  }
}
