import { checkEventName } from '../protocol/input/event-fields.js';
import { MAX_ANSWER_TIMEOUT_MS, MAX_TIMER_MS } from '../protocol/input/option-checks.js';
import { retryTime, type RetryTime } from '../protocol/input/retry-time.js';
import { checkReplay, type Replay } from '../protocol/input/replay-option.js';
import { NAMES_OF_OTHER_NODES, checkRoom } from '../protocol/input/room-name.js';
import { isSessionKey } from '../protocol/input/session-key.js';
import { unsafeTextReason } from '../protocol/input/unsafe-text.js';
import { checkUser } from '../protocol/input/user-name.js';
import type { SseErrorCode } from '../protocol/sse-error.js';
import type { CommandTarget } from './command-target.js';
import type { RefusedJoin, RoomChanges } from './room-changes.interface.js';

/** Longest text of a failure in an answer. */
const MAX_FAILURE_LENGTH = 300;

/** Work for the clients of a target. */
export type CommandAction =
  | { readonly do: 'join'; readonly room: string; readonly replay?: Replay | undefined }
  | { readonly do: 'leave'; readonly room: string }
  | ({ readonly do: 'change' } & RoomChanges)
  | { readonly do: 'reauthorize' }
  | {
      readonly do: 'disconnect';
      /** The reconnection time, in milliseconds, sent to the clients first. */
      readonly retryMs?: RetryTime | undefined;
      /** True for streams that end for a newer one of the same user: their close reason is `replaced`. */
      readonly replaced?: true | undefined;
    }
  | {
      readonly do: 'send';
      readonly data: string;
      readonly event?: string | undefined;
      readonly volatile?: boolean | undefined;
    };

/** A command from one node to all: each node executes it for those of its clients that match the target, and answers. */
export interface RemoteCommand {
  /** Id of the command, which may arrive several times. A node executes it once. */
  readonly call: string;
  /** Number of the publishes of this command, this one included. */
  readonly copy: number;
  /** Id of the node that waits for answers. */
  readonly from: string;
  /** Time for which that node waits, in milliseconds. */
  readonly waitMs: number;
  readonly to: CommandTarget;
  readonly action: CommandAction;
}

/** The answer of one node to a command. */
export interface RemoteAnswer {
  /** Id of the command. */
  readonly answer: string;
  readonly node: string;
  /** Number of streams of the node that the command has reached. */
  readonly reached: number;
  /** The reason why the node could not execute all of it. */
  readonly failed?: string | undefined;
  /** Rooms that a stream could not join. */
  readonly refused?: readonly RefusedJoin[] | undefined;
  /** The code of the reason, where the caller can do something about it. */
  readonly code?: AnswerCode | undefined;
}

/** Codes of errors that a caller on another node receives as they are. */
export const ANSWER_CODES = ['room-forbidden', 'too-many-rooms'] as const satisfies readonly SseErrorCode[];
export type AnswerCode = (typeof ANSWER_CODES)[number];

export function encodeControl(message: RemoteCommand | RemoteAnswer): string {
  return JSON.stringify(message);
}

/** Shortens a reason, and removes the characters that an answer must not contain. */
export function failureText(reason: string): string {
  const safe = Array.from(reason, (character) =>
    unsafeTextReason(character) === undefined ? character : ' ',
  );
  return safe.slice(0, MAX_FAILURE_LENGTH).join('');
}

/**
 * Parses a control message, which any program with access to the broker can send.
 *
 * @returns `undefined` for a text that is neither command nor answer, names no client, or has an unknown field: a command
 * of a newer version is ignored as a whole, since executing only its known fields could reach more clients than intended
 */
export function parseControl(text: string): RemoteCommand | RemoteAnswer | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (hasShape(parsed, COMMAND)) return parsed as unknown as RemoteCommand;
  return hasShape(parsed, ANSWER) ? (parsed as unknown as RemoteAnswer) : undefined;
}

type Check = (value: unknown) => boolean;
/** Checks of the fields that an object may have. */
type Shape = Readonly<Record<string, Check>>;

const isId: Check = (value) => typeof value === 'string' && /^[\w-]{1,64}$/.test(value);
const isRoom: Check = (value) => isAccepted((room) => checkRoom(room, NAMES_OF_OTHER_NODES), value);

const TARGET: Shape = {
  client: optional((value) => typeof value === 'string'),
  session: optional(isSessionKey),
  users: optional(listOf((user) => isAccepted(checkUser, user))),
  withoutUser: optional((value) => value === true),
  room: optional(isRoom),
};

const isReplay: Check = (value) => checkReplay(value) === undefined;

const ACTIONS: Readonly<Record<CommandAction['do'], Shape>> = {
  join: { do: isString, room: isRoom, replay: optional(isReplay) },
  leave: { do: isString, room: isRoom },
  change: { do: isString, join: listOf(isRoom), leave: listOf(isRoom), replay: optional(isReplay) },
  reauthorize: { do: isString },
  disconnect: {
    do: isString,
    retryMs: optional((value) => retryTime(MAX_TIMER_MS)(value) === undefined),
    replaced: optional((value) => value === true),
  },
  send: {
    do: isString,
    data: isString,
    event: optional((value) => isAccepted(checkEventName, value)),
    volatile: optional((value) => typeof value === 'boolean'),
  },
};

const COMMAND: Shape = {
  call: isId,
  copy: integerUpTo(Number.MAX_SAFE_INTEGER),
  from: isId,
  waitMs: integerUpTo(MAX_ANSWER_TIMEOUT_MS),
  to: (value) => hasShape(value, TARGET) && Object.keys(value).length > 0,
  action: (value) => {
    const verb: unknown = (value as { do?: unknown } | null | undefined)?.do;
    const isVerb = typeof verb === 'string' && Object.hasOwn(ACTIONS, verb);
    return isVerb && hasShape(value, ACTIONS[verb as CommandAction['do']]);
  },
};

const isReason: Check = (value) => isString(value) && value.length <= 2 * MAX_FAILURE_LENGTH && isSafe(value);

const REFUSED_JOIN: Shape = { room: isRoom, status: integerUpTo(599), message: isReason };

const ANSWER: Shape = {
  answer: isId,
  node: isId,
  reached: integerUpTo(Number.MAX_SAFE_INTEGER),
  failed: optional(isReason),
  refused: optional(listOf((value) => hasShape(value, REFUSED_JOIN))),
  code: optional((value) => ANSWER_CODES.some((code) => code === value)),
};

function hasShape(value: unknown, shape: Shape): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields = value as Record<string, unknown>;
  return (
    Object.keys(fields).every((name) => Object.hasOwn(shape, name)) &&
    Object.entries(shape).every(([name, check]) => check(fields[name]))
  );
}

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

function integerUpTo(max: number): Check {
  return (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isSafe(text: string): boolean {
  return unsafeTextReason(text) === undefined;
}

/** Returns `true` for a name as an application may give it. A number, which it may give too, is no name here. */
function isAccepted(check: (name: unknown) => string | undefined, name: unknown): boolean {
  try {
    return check(name) === name;
  } catch {
    return false;
  }
}
