/** What one node asks of all, for their clients that fit everything that is named. */
export interface RemoteCommand {
  readonly do: 'disconnect' | 'leave';
  /** A client's id. */
  readonly client?: string | undefined;
  readonly users?: readonly string[] | undefined;
  readonly room?: string | undefined;
  readonly retryMs?: number | undefined;
}

/**
 * @returns `undefined` for what is none, or names nobody: anybody with access to the broker may say something, and an
 * order that a newer version gives is not half obeyed
 */
export function parseRemoteCommand(text: string): RemoteCommand | undefined {
  let order: unknown;
  try {
    order = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isOrder(order) ? order : undefined;
}

const KNOWN: ReadonlySet<string> = new Set(['do', 'client', 'users', 'room', 'retryMs']);

function isOrder(order: unknown): order is RemoteCommand {
  if (typeof order !== 'object' || order === null) return false;
  const { do: verb, client, users, room, retryMs } = order as Record<keyof RemoteCommand, unknown>;
  return (
    (verb === 'disconnect' || verb === 'leave') &&
    Object.keys(order).every((name) => KNOWN.has(name)) &&
    isTextOrNone(client) &&
    isTextOrNone(room) &&
    (users === undefined || (Array.isArray(users) && users.every((user) => typeof user === 'string'))) &&
    (retryMs === undefined || (Number.isSafeInteger(retryMs) && (retryMs as number) >= 0)) &&
    (client !== undefined || users !== undefined || (verb === 'disconnect' && room !== undefined))
  );
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}
