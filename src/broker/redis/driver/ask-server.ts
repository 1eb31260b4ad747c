import { withDeadline } from '../link/deferred.js';
import type { RedisConnection, RedisDriver, RedisReply } from './redis-driver.interface.js';

/**
 * Sends commands on a connection of their own, which is closed afterwards.
 *
 * @throws Error if the server cannot be reached, refuses a command, or does not reply to all within `timeoutMs`
 */
export async function askServer(
  driver: RedisDriver,
  commands: readonly (readonly string[])[],
  timeoutMs: number,
): Promise<RedisReply[]> {
  const connection = driver.connect({ onMessage: () => {}, onLost: () => {} });
  const replies = connection.ready.then(() =>
    Promise.all(commands.map((command) => connection.send(command))),
  );
  try {
    return await withDeadline(replies, timeoutMs, late);
  } finally {
    connection.close();
  }
}

/** Sends one command on an open connection. @returns `undefined` where the server refuses it, or has not replied in time */
export async function tryCommand(
  connection: RedisConnection,
  command: readonly string[],
  timeoutMs: number,
): Promise<RedisReply | undefined> {
  return withDeadline(connection.send(command), timeoutMs, late).catch(() => undefined);
}

function late(): Error {
  return new Error('The server did not answer in time.');
}
