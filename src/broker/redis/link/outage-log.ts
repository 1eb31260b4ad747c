import type { BrokerLogLevel } from '../../broker.interface.js';
import { isErrorReply } from '../driver/redis-driver.interface.js';

/** A temporary error reply of a server that starts: no cause that anybody needs to look for. */
const STARTING = /^LOADING\b/;

/**
 * Logs outages of Redis: one warning with the reason at the change to `down`, and one line when all is live again. The
 * partitions of a broker share one log, since they usually fail together.
 *
 * A lost connection hides the cause where a later attempt is refused, for example after a changed password. The first
 * error reply of an outage is therefore logged as well.
 */
export class OutageLog {
  readonly #write: (level: BrokerLogLevel, message: string) => void;
  /** The nodes that are down, one for each partition. */
  readonly #down = new Set<object>();
  #hasErrorReply = false;

  constructor(write: (level: BrokerLogLevel, message: string) => void) {
    this.#write = write;
  }

  down(node: object, error: Error): void {
    const isNew = this.#down.size === 0;
    const isReply = isErrorReply(error) && !STARTING.test(error.message);
    this.#down.add(node);
    if (!isNew && (this.#hasErrorReply || !isReply)) return;
    this.#hasErrorReply = isReply;
    this.#write(
      'warn',
      `The Redis broker is down, and tries again until it is live. The reason: ${reasonOf(error)}`,
    );
  }

  live(node: object): void {
    if (!this.#down.delete(node) || this.#down.size > 0) return;
    this.#hasErrorReply = false;
    this.#write('log', 'The Redis broker is live again.');
  }

  /** Forgets a node that was closed, without a line. */
  closed(node: object): void {
    this.#down.delete(node);
  }
}

/** Returns the words of Redis or of the socket. An error that joins several attempts has only a code. */
function reasonOf(error: Error): string {
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
