import {
  checkCallOptions,
  checkedElsewhere,
  orFalse,
  wholeNumber,
  type OptionCheck,
} from '../protocol/input/option-checks.js';
import { checkRooms, EVERYONE, type RoomNameRules } from '../protocol/input/room-name.js';
import { checkIdentity } from '../protocol/input/user-name.js';
import { SseError } from '../protocol/sse-error.js';
import type { IssueOptions, SseTicketOptions } from './ticket-options.interface.js';
import type { TicketRecord } from './ticket-record.js';

/** Most milliseconds between a ticket and its use: it is in a URL, which may be logged. */
const MAX_TTL_MS = 60_000;

/** The allowed values of the option `tickets`. */
export const TICKET_CHECKS: Readonly<Record<keyof SseTicketOptions, OptionCheck>> = {
  authorize: (value) => (typeof value === 'function' ? undefined : 'a function that returns true or false'),
  parameter: (value) =>
    typeof value === 'string' && /^[\w.~-]{1,64}$/.test(value)
      ? undefined
      : 'a name of 1 to 64 letters, digits, "-", "_", "." and "~"',
  continueForMs: orFalse(wholeNumber(1_000, 86_400_000)),
  sameSite: (value) =>
    value === 'strict' || value === 'lax' || value === 'none' ? undefined : "'strict', 'lax' or 'none'",
  cookiePath: (value) =>
    typeof value === 'string' && /^\/[!-:<-~]{0,1023}$/.test(value)
      ? undefined
      : 'a path that begins with "/"',
};

const ISSUE_CHECKS: Readonly<Record<keyof IssueOptions, OptionCheck>> = {
  user: checkedElsewhere,
  rooms: checkedElsewhere,
  ttlMs: wholeNumber(1, MAX_TTL_MS),
  info: checkedElsewhere,
  expiresAt: checkedElsewhere,
};

/**
 * Validates the argument of `issue`.
 *
 * @throws SseError `invalid-arguments`, `invalid-user`, `invalid-room`
 */
export function checkIssue(options: IssueOptions, rules: RoomNameRules): TicketRecord {
  if (options === undefined) {
    throw new SseError(
      'invalid-arguments',
      'tickets.issue needs an object with the user: issue({ user, rooms }).',
    );
  }
  checkCallOptions('tickets.issue', options, ISSUE_CHECKS);
  const { rooms } = options;
  const identity = checkIdentity(options);
  if (identity === undefined) throw new SseError('invalid-user', 'A ticket needs a user.');
  if (identity.expiresAtMs !== undefined && identity.expiresAtMs <= Date.now()) {
    throw new SseError(
      'invalid-arguments',
      'The option "expiresAt" of tickets.issue has passed. Issue no ticket.',
    );
  }
  const names = rooms === undefined ? undefined : checkRooms(rooms, rules);
  if (names?.includes(EVERYONE) === true) {
    throw new SseError(
      'invalid-room',
      `Every client is in "${EVERYONE}" already; a ticket does not name it.`,
    );
  }
  return { ...identity, rooms: names };
}
