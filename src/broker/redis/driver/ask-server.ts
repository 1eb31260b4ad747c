import { withDeadline } from '../link/deferred.js';
import type { RedisDriver, RedisReply } from './redis-driver.interface.js';

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
    return await withDeadline(replies, timeoutMs, () => new Error('The server did not answer in time.'));
  } finally {
    connection.close();
  }
}
