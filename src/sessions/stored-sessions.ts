import type { SessionOutcome, SessionTarget } from '../broker/session-store.interface.js';
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

const NOTHING: StoredChange = { stored: 0, isFull: false };

/** Changes of stored sessions, whether their streams are open or not. */
export class StoredSessions {
  readonly #sessions: Pick<StreamSessions, 'change' | 'store' | 'maxRooms'>;
  readonly #pointOf: (room: string, signal: AbortSignal) => Promise<ResumePoint>;

  /** @param pointOf the position of a room now. Waits while the broker cannot be reached */
  constructor(
    sessions: Pick<StreamSessions, 'change' | 'store' | 'maxRooms'>,
    pointOf: (room: string, signal: AbortSignal) => Promise<ResumePoint>,
  ) {
    this.#sessions = sessions;
    this.#pointOf = pointOf;
  }

  /** Stores a room with the position of this moment. @throws SseError `broker-closed`, `broker-unavailable` */
  async join(target: NamedSessions, room: string, timeoutMs: number): Promise<StoredChange> {
    const names = target.room === undefined ? await this.#namesOf(target) : [];
    if (names.length === 0) return NOTHING;
    const point = await this.#pointNow(room, timeoutMs);
    const { maxRooms } = this.#sessions;
    return this.#outcome(
      names.map(async (name) => this.#sessions.change({ ...name, ...point, do: 'join', room, maxRooms })),
    );
  }

  /** Removes a room. @throws SseError `broker-closed`, `broker-unavailable` */
  async leave(target: NamedSessions, room: string): Promise<StoredChange> {
    const isMeant = target.room === undefined || target.room === room;
    const names = isMeant ? await this.#namesOf(target) : [];
    return this.#outcome(names.map(async (name) => this.#sessions.change({ ...name, do: 'leave', room })));
  }

  async #outcome(changes: readonly Promise<SessionOutcome>[]): Promise<StoredChange> {
    const outcomes = await Promise.all(changes);
    const stored = outcomes.filter(({ result }) => result === 'done').length;
    return { stored, isFull: outcomes.some(({ result }) => result === 'full') };
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

  async #pointNow(room: string, timeoutMs: number): Promise<ResumePoint> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const point = await this.#pointOf(room, signal);
      if (!signal.aborted) return point;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    throw new SseError(
      'broker-unavailable',
      `The position of the room "${room}" could not be read within ${timeoutMs} ms. Nothing is done. Check the broker.`,
    );
  }
}
