import type { ResumePoint } from '../protocol/position.js';

/** A room of a session, with the position of its partition when the session joined it. */
export interface SessionRoom extends ResumePoint {
  readonly room: string;
}

/** The stream that has a session. */
export interface SessionOwner {
  /** Id of the client. */
  readonly client: string;
  /** Id of its node, as in `ControlChannel.nodeId`. */
  readonly node: string;
}

/** Names a session. Two users with the same key have two sessions; a client without a user is a user of its own. */
export interface SessionName {
  readonly key: string;
  readonly user?: string | undefined;
}

/** As `SessionName`, or all sessions with the key, whatever their user. */
export type SessionTarget = SessionName & { readonly ofAllUsers?: boolean };

/**
 * One change of a session.
 *
 * - `claim` makes a stream the owner. A session that does not exist is created.
 * - `join` stores a room and the position of the join. A room that the session is in keeps its position.
 * - `joinNow` does the same with the position of this moment, as `SessionStore.joinsNow` says.
 * - `leave` removes a room, with `'*'` all rooms.
 * - `renew` sets the time for which the session is stored from now on.
 * - `end` does the same, and the session has no owner afterwards.
 *
 * With `client` a change is made only if that client is the owner.
 */
export type SessionChange =
  | (SessionName & SessionOwner & { readonly do: 'claim'; readonly ttlMs: number })
  | (SessionTarget &
      SessionRoom & { readonly do: 'join'; readonly maxRooms: number; readonly client?: string | undefined })
  | (SessionTarget & { readonly do: 'joinNow'; readonly room: string; readonly maxRooms: number })
  | (SessionTarget & { readonly do: 'leave'; readonly room: string; readonly client?: string | undefined })
  | (SessionName & { readonly do: 'renew' | 'end'; readonly client: string; readonly ttlMs: number });

/** The session of a `claim`. */
export interface ClaimedSession {
  /** True if the claim has created the session. The same for a claim that is repeated by the same client. */
  readonly isNew: boolean;
  readonly rooms: readonly SessionRoom[];
  /** The owner until now, whose stream has not ended as far as the store knows. */
  readonly previous?: SessionOwner | undefined;
}

/**
 * The outcome of a change: `gone` where there is no such session, `taken` where another client is the owner, `full` where
 * the session has `maxRooms` rooms already. `session` is set for a `claim`.
 */
export interface SessionOutcome {
  readonly result: 'done' | 'gone' | 'taken' | 'full';
  readonly session?: ClaimedSession | undefined;
}

/**
 * Stores the sessions of streams for all nodes: an optional part of a broker. A session that is not renewed for `ttlMs` is
 * removed by the store itself.
 */
export interface SessionStore {
  /**
   * True where the store makes the change `joinNow`: it stores the epoch and the position of its own partition, and every event
   * that is published there afterwards has a greater position. Default: the position is read first, with a call of its own.
   */
  readonly joinsNow?: boolean | undefined;

  /**
   * Makes some changes in their order. A change that is made again has the same effect as once.
   *
   * @returns one outcome for each change
   * @throws SseError `broker-closed`, `broker-unavailable`: then some of the changes may be made
   */
  change(changes: readonly SessionChange[]): Promise<readonly SessionOutcome[]>;

  /**
   * Lists the keys of a user's sessions. May have keys of sessions that do not exist any more.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  keysOf(user: string): Promise<readonly string[]>;
}
