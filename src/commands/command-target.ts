import { describeValue } from '../protocol/error-text.js';
import { checkCallOptions, checkedElsewhere } from '../protocol/input/option-checks.js';
import { EVERYONE, checkRoom, type RoomName, type RoomNameRules } from '../protocol/input/room-name.js';
import { isSessionKey, SESSION_KEY_RULE } from '../protocol/input/session-key.js';
import { checkUser, noUsers } from '../protocol/input/user-name.js';
import { SseError } from '../protocol/sse-error.js';
import type { SseMember } from '../protocol/sse-member.js';
import { ignoreRejection } from '../protocol/thenable.js';

/** Users named in one control message; a longer list is published as several messages. */
const USERS_PER_MESSAGE = 250;

/** Properties of a target: with a misspelt one, a command would reach more streams than were meant. */
const TARGET_CHECKS = {
  session: checkedElsewhere,
  user: checkedElsewhere,
  room: checkedElsewhere,
  where: checkedElsewhere,
};

/**
 * The streams that a command reaches, on every node: one client's by its id, that of a session, a user's, a room's, or those of
 * some members.
 */
export type RemoteTarget =
  | string
  | {
      /** The key of a session, as in the URL of its stream. A join or leave counts also while no stream is open. */
      readonly session: string;
      /** Only the session of this user. Default: of whatever user has the key. */
      readonly user?: string | number;
    }
  | {
      readonly user: string | number;
      /** Only the user's streams in this room. Default: all of them. */
      readonly room?: RoomName;
    }
  | {
      readonly room: RoomName;
      /** Only the streams of these members; the room needs presence. Default: every stream in the room. */
      readonly where?: (member: SseMember) => boolean;
    };

/** A validated target: the clients that match every given field. At least one field is given. */
export interface CommandTarget {
  /** Id of the only client that matches. */
  readonly client?: string | undefined;
  /** Key of the session whose clients match. */
  readonly session?: string | undefined;
  /** Users whose clients match. */
  readonly users?: readonly string[] | undefined;
  /** True if only clients without a user match. */
  readonly withoutUser?: true | undefined;
  /** Room whose clients match. */
  readonly room?: string | undefined;
}

export interface TargetLookups {
  /** The members of a room over all nodes. */
  readonly membersOf: (room: string) => Promise<SseMember[]>;
  /** Returns true where a call may name a user: with the option `identify`, and in a process without HTTP. */
  readonly hasUsers: () => boolean;
  readonly names?: RoomNameRules;
  /** Returns false where sessions are switched off. */
  readonly hasSessions: () => boolean;
}

/** Returns whether a value names clients of any node. A client of this process does not. */
export function isRemoteTarget(value: unknown): value is RemoteTarget {
  if (typeof value === 'string') return true;
  return (
    typeof value === 'object' && value !== null && ('user' in value || 'room' in value || 'session' in value)
  );
}

/**
 * Validates a target, and asks for the members of its room where it has `where`.
 *
 * @returns several targets for a long list of members
 * @throws SseError `invalid-arguments`, `invalid-room`, `invalid-user`, `no-presence`
 */
export async function commandTargets(
  method: string,
  target: unknown,
  { membersOf, hasUsers, hasSessions, names }: TargetLookups,
): Promise<CommandTarget[]> {
  if (!isRemoteTarget(target) || target === '') {
    throw new SseError(
      'invalid-arguments',
      `${method} takes an SseClient of this process, a client's id, { session }, { user }, { room } or { room, where }, not ${describeValue(target)}.`,
    );
  }
  if (typeof target === 'string') return [{ client: target }];
  checkCallOptions(`the target of ${method}`, target, TARGET_CHECKS);
  if ('session' in target) return [sessionTarget(method, target, { hasUsers, hasSessions })];
  const isOfUser = 'user' in target;
  const room = isOfUser && target.room === undefined ? undefined : checkRoom(target.room, names);
  if (isOfUser) {
    if ('where' in target) {
      throw new SseError('invalid-arguments', `${method} takes \`where\` with a room, not with a user.`);
    }
    if (!hasUsers()) throw noUsers(`${method}({ user })`);
    return [{ users: [checkUser(target.user)], room }];
  }
  const { where } = target;
  if (where === undefined) return [{ room }];
  const members = await membersOf(room ?? EVERYONE);
  const users = members.filter((member) => isAccepted(method, where(member))).map(({ user }) => user);
  const targets: CommandTarget[] = [];
  for (let first = 0; first < users.length; first += USERS_PER_MESSAGE) {
    targets.push({ users: users.slice(first, first + USERS_PER_MESSAGE), room });
  }
  return targets;
}

/** @throws SseError `invalid-arguments`, `invalid-user` */
function sessionTarget(
  method: string,
  target: { readonly session: unknown; readonly user?: unknown },
  { hasUsers, hasSessions }: Pick<TargetLookups, 'hasUsers' | 'hasSessions'>,
): CommandTarget {
  const { session, user, ...others } = target;
  if (!isSessionKey(session) || Object.keys(others).length > 0) {
    throw new SseError(
      'invalid-arguments',
      `${method} takes { session } or { session, user }. ${SESSION_KEY_RULE}`,
    );
  }
  if (!hasSessions()) {
    throw new SseError(
      'invalid-arguments',
      `${method}({ session }) needs sessions: set the option "sessions" of SseModule, and use a broker that stores them.`,
    );
  }
  if (user === undefined) return { session };
  if (!hasUsers()) throw noUsers(`${method}({ session, user })`);
  return { session, users: [checkUser(user)] };
}

/** A promise would accept every member. */
function isAccepted(method: string, result: unknown): boolean {
  if (typeof result === 'boolean') return result;
  ignoreRejection(result);
  throw new SseError(
    'invalid-arguments',
    `The function "where" of ${method} returns true or false, not ${describeValue(result)}. It may not be asynchronous.`,
  );
}
