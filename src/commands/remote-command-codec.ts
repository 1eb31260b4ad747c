import { checkRoom } from '../protocol/input/room-name.js';
import { checkUser } from '../protocol/input/user-name.js';

/** The longest reconnection time of a command, in milliseconds: a browser's timer would fire a longer one at once. */
export const MAX_COMMAND_RETRY_MS = 2_147_483_647;

/** A command from one node to all: each node executes it for those of its clients that match every given field. */
export interface RemoteCommand {
  readonly do: 'disconnect' | 'leave';
  /** Id of the only client that matches. */
  readonly client?: string | undefined;
  /** Users whose clients match. */
  readonly users?: readonly string[] | undefined;
  /** For `disconnect`: the room whose clients match. For `leave`: the room that the clients leave. */
  readonly room?: string | undefined;
  /** For `disconnect`: the reconnection time, in milliseconds, sent to the clients first. */
  readonly retryMs?: number | undefined;
}

export function encodeRemoteCommand(command: RemoteCommand): string {
  return JSON.stringify(command);
}

/**
 * Parses a control message, which any program with access to the broker can send.
 *
 * @returns `undefined` for a text that is no command, names no client, or has an unknown field: a command of a newer
 * version is ignored as a whole, since executing only its known fields could reach more clients than intended
 */
export function parseRemoteCommand(text: string): RemoteCommand | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRemoteCommand(parsed) ? parsed : undefined;
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set(['do', 'client', 'users', 'room', 'retryMs']);

function isRemoteCommand(value: unknown): value is RemoteCommand {
  if (typeof value !== 'object' || value === null) return false;
  const { do: verb, client, users, room, retryMs } = value as Record<keyof RemoteCommand, unknown>;
  return (
    (verb === 'disconnect' || verb === 'leave') &&
    Object.keys(value).every((name) => KNOWN_FIELDS.has(name)) &&
    (client === undefined || typeof client === 'string') &&
    (room === undefined || isValid(checkRoom, room)) &&
    (users === undefined || (Array.isArray(users) && users.every((user) => isValid(checkUser, user)))) &&
    (retryMs === undefined || isRetry(retryMs)) &&
    (client !== undefined || users !== undefined || (verb === 'disconnect' && room !== undefined))
  );
}

function isRetry(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COMMAND_RETRY_MS;
}

/** Returns `true` for a name as an application may give it. A number, which it may give too, is no name here. */
function isValid(check: (name: unknown) => string, name: unknown): boolean {
  try {
    return check(name) === name;
  } catch {
    return false;
  }
}
