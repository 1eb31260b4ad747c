import { describeValue } from '../error-text.js';
import type { JsonValue } from '../json-value.js';
import { SseError } from '../sse-error.js';
import { isThenable } from '../thenable.js';
import { unsafeTextReason } from './unsafe-text.js';

const MAX_USER_LENGTH = 255;

/** Maximum length of an info as JSON: each list of members and each presence event carries it. */
const MAX_INFO_LENGTH = 4_096;

/** The identity of a client: the return value of `identify`. */
export interface SseIdentity {
  /** Name of the user, equal on all connections: 1 to 255 characters. A number means its decimal string. */
  readonly user: string | number;
  /** Data for other members, such as a display name. At most 4,096 characters as JSON. Default: none. */
  readonly info?: JsonValue;
  /**
   * End of the client's time, in milliseconds since 1970 or as a `Date`: `exp` of a token is in seconds, so multiply it by
   * 1,000. The stream ends as `expired` between a quarter of a second and a minute before, never after; a client whose time is
   * over is answered with 401. Default: none.
   */
  readonly expiresAt?: number | Date;
}

/** A validated `SseIdentity`. */
export interface ClientIdentity {
  readonly user: string;
  /** The info as JSON. */
  readonly info: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAtMs?: number | undefined;
}

/**
 * Validates a user's name.
 *
 * @returns the name
 * @throws SseError `invalid-user`
 */
export function checkUser(user: unknown): string {
  const name = typeof user === 'number' && Number.isFinite(user) ? String(user) : user;
  if (typeof name !== 'string' || name === '' || name.length > MAX_USER_LENGTH) {
    throw new SseError(
      'invalid-user',
      `A user is a string of 1 to ${MAX_USER_LENGTH} characters, or a number, not ${describeValue(user)}.`,
    );
  }
  const unsafe = unsafeTextReason(name);
  if (unsafe !== undefined) {
    throw new SseError('invalid-user', `The user ${describeValue(name)} contains ${unsafe}. Remove it.`);
  }
  return name;
}

/** The refusal of a call that names a user where no client can have one. */
export function noUsers(call: string): SseError {
  return new SseError(
    'invalid-arguments',
    `${call} names a user, but without the option "identify" of SseModule no client has one. Set it, on this node too.`,
  );
}

/**
 * Validates the return value of `identify`.
 *
 * @returns `undefined` for a client without a user name
 * @throws SseError `invalid-user`
 */
export function checkIdentity(identity: unknown): ClientIdentity | undefined {
  if (identity === undefined || identity === null) return undefined;
  if (isThenable(identity)) {
    throw new SseError(
      'invalid-user',
      'identify returns { user, info? } or undefined, not a promise. Look the user up in a guard, which may wait.',
    );
  }
  if (typeof identity !== 'object') {
    throw new SseError(
      'invalid-user',
      `identify returns { user, info? } or undefined, not ${describeValue(identity)}.`,
    );
  }
  const { user, info, expiresAt } = identity as Partial<SseIdentity>;
  return {
    user: checkUser(user),
    info: info === undefined ? undefined : infoText(info),
    expiresAtMs: expiresAt === undefined ? undefined : checkExpiry(expiresAt),
  };
}

/** 1973 in milliseconds, and the year 5138 in seconds: a smaller number is a time in seconds. */
const FIRST_EXPIRY_MS = 1e11;

/**
 * Validates the end of a client's time.
 *
 * @returns milliseconds since 1970
 * @throws SseError `invalid-user`
 */
export function checkExpiry(expiresAt: unknown): number {
  const time = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  if (typeof time === 'number' && time >= FIRST_EXPIRY_MS) return time;
  throw new SseError(
    'invalid-user',
    `expiresAt is a Date or a number of milliseconds since 1970, not ${describeValue(time)}. The \`exp\` of a token is in seconds: multiply it by 1000.`,
  );
}

function infoText(info: JsonValue): string | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(info) as string | undefined;
  } catch (cause) {
    throw new SseError('invalid-user', 'The info of a user cannot be turned into JSON.', { cause });
  }
  if (text !== undefined && text.length > MAX_INFO_LENGTH) {
    throw new SseError(
      'invalid-user',
      `The info of a user is at most ${MAX_INFO_LENGTH} characters as JSON, not ${text.length}. Keep a reference in it.`,
    );
  }
  return text;
}
