import { EVERYONE } from '../../protocol/input/room-name.js';
import type { ResumePoint } from '../../protocol/position.js';
import type {
  ClaimedSession,
  SessionChange,
  SessionOutcome,
  SessionOwner,
  SessionStore,
} from '../session-store.interface.js';

interface Session {
  owner: SessionOwner | undefined;
  /** True if the claim of the owner has created the session. */
  isNew: boolean;
  readonly rooms: Map<string, ResumePoint>;
  timer: NodeJS.Timeout | undefined;
}

/** Stores sessions for a single node. */
export class MemorySessions implements SessionStore {
  readonly #byKey = new Map<string, Map<string | undefined, Session>>();
  readonly joinsNow = true;
  readonly #assertRunning: () => void;
  readonly #pointNow: () => ResumePoint;

  /**
   * @param assertRunning throws if the broker is not running
   * @param pointNow returns the current epoch and position
   */
  constructor(assertRunning: () => void, pointNow: () => ResumePoint) {
    this.#assertRunning = assertRunning;
    this.#pointNow = pointNow;
  }

  async change(changes: readonly SessionChange[]): Promise<readonly SessionOutcome[]> {
    this.#assertRunning();
    return changes.map((change) => this.#change(change));
  }

  async keysOf(user: string): Promise<readonly string[]> {
    this.#assertRunning();
    return Array.from(this.#byKey).flatMap(([key, users]) => (users.has(user) ? [key] : []));
  }

  close(): void {
    for (const users of this.#byKey.values()) for (const { timer } of users.values()) clearTimeout(timer);
    this.#byKey.clear();
  }

  #change(change: SessionChange): SessionOutcome {
    if (change.do === 'claim') return { result: 'done', session: this.#claim(change) };
    const users = this.#byKey.get(change.key);
    const all = 'ofAllUsers' in change && change.ofAllUsers === true;
    const found = all ? [...(users?.values() ?? [])] : [users?.get(change.user)];
    const results = found.map((session) => this.#changeOne(change, session));
    return { result: results.find((result) => result !== 'done') ?? (results.length > 0 ? 'done' : 'gone') };
  }

  #changeOne(
    change: Exclude<SessionChange, { do: 'claim' }>,
    session: Session | undefined,
  ): SessionOutcome['result'] {
    if (session === undefined) return 'gone';
    if ('client' in change && change.client !== undefined && session.owner?.client !== change.client)
      return 'taken';
    const { rooms } = session;
    switch (change.do) {
      case 'join':
      case 'joinNow': {
        const { room, maxRooms } = change;
        const { epoch, position } = change.do === 'join' ? change : this.#pointNow();
        if (rooms.has(room)) return 'done';
        if (rooms.size >= maxRooms) return 'full';
        rooms.set(room, { epoch, position });
        return 'done';
      }
      case 'leave':
        if (change.room === EVERYONE) rooms.clear();
        else rooms.delete(change.room);
        return 'done';
      default:
        if (change.do === 'end') session.owner = undefined;
        this.#keep(change.key, change.user, session, change.ttlMs);
        return 'done';
    }
  }

  #claim({ key, user, client, node, ttlMs }: Extract<SessionChange, { do: 'claim' }>): ClaimedSession {
    let users = this.#byKey.get(key);
    if (users === undefined) this.#byKey.set(key, (users = new Map()));
    const known = users.get(user);
    const session: Session = known ?? { owner: undefined, isNew: true, rooms: new Map(), timer: undefined };
    const previous = session.owner?.client === client ? undefined : session.owner;
    if (known !== undefined && session.owner?.client !== client) session.isNew = false;
    session.owner = { client, node };
    users.set(user, session);
    this.#keep(key, user, session, ttlMs);
    const rooms = Array.from(session.rooms, ([room, point]) => ({ room, ...point }));
    return { isNew: session.isNew, rooms, previous };
  }

  /** Removes the session after `ttlMs`, unless it is renewed. */
  #keep(key: string, user: string | undefined, session: Session, ttlMs: number): void {
    clearTimeout(session.timer);
    session.timer = setTimeout(() => {
      const users = this.#byKey.get(key);
      users?.delete(user);
      if (users?.size === 0) this.#byKey.delete(key);
    }, ttlMs).unref();
  }
}
