import { describeValue } from './error-text.js';
import type { JsonValue } from './json-value.js';
import { SseError } from './sse-error.js';

const MAX_USER_LENGTH = 255;

/** A list of members carries the info of each, and so does each change. */
const MAX_INFO_LENGTH = 4_096;

/** Who a client is: what `identify` returns. */
export interface SseIdentity {
  /** The same for all connections of one user; a number stands for its decimal string. */
  readonly user: string | number;
  /** What others may know of the user: a name, a picture. At most 4,096 characters as JSON. */
  readonly info?: JsonValue;
}

/** The same, checked. */
export interface ClientIdentity {
  readonly user: string;
  /** As JSON. */
  readonly info: string | undefined;
}

/**
 * @returns the user's name, as Unicode that every encoding can carry
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
  // Half a surrogate pair would be one user here, and another one when it comes back.
  return Buffer.from(name).toString();
}

/**
 * @returns `undefined` for somebody without a name
 * @throws SseError `invalid-user`
 */
export function checkIdentity(identity: unknown): ClientIdentity | undefined {
  if (identity === undefined || identity === null) return undefined;
  if (typeof identity !== 'object') {
    throw new SseError(
      'invalid-user',
      `identify returns { user, info? } or undefined, not ${describeValue(identity)}.`,
    );
  }
  const { user, info } = identity as Partial<SseIdentity>;
  return { user: checkUser(user), info: info === undefined ? undefined : infoText(info) };
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
