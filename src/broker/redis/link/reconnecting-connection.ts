import { BackOff } from './back-off.js';
import { confirmMaster } from '../fencing/master-watch.js';
import { Deferred, withDeadline } from './deferred.js';
import type { RedisConnection, RedisDriver } from '../driver/redis-driver.interface.js';

/** Time after which a connection counts as stable, in milliseconds. A loss before it makes the back-off longer. */
const STABLE_MS = 1_000;

export interface ReconnectingConnectionOptions {
  readonly driver: RedisDriver;
  readonly connectTimeoutMs: number;
  /** Prepares a new connection for use. If this rejects, the connection is dropped and opened again. */
  readonly prepare: (connection: RedisConnection) => Promise<void>;
  readonly onMessage?: (connection: RedisConnection, channel: string, message: string) => void;
  readonly onUp: (connection: RedisConnection) => void;
  /** Called before each new attempt, after a connection was lost or could not be opened. */
  readonly onDown: (error: Error) => void;
}

/**
 * Maintains one connection to Redis: opens a new one with back-off whenever it is lost or leads to a former master, until
 * `close()`.
 */
export class ReconnectingConnection {
  readonly #options: ReconnectingConnectionOptions;
  readonly #backOff = new BackOff();
  #attempt: { readonly connection: RedisConnection; readonly lost: Deferred<never> } | undefined;
  #current: RedisConnection | undefined;
  #reopenTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ReconnectingConnectionOptions) {
    this.#options = options;
  }

  /** The connected and prepared connection, or `undefined`. */
  get current(): RedisConnection | undefined {
    return this.#current;
  }

  open(): void {
    void this.#runAndReopen();
  }

  /** Closes a broken connection and opens a new one. Ignored for a connection that was replaced already. */
  drop(connection: RedisConnection, error: Error): void {
    if (this.#current === connection) this.#current = undefined;
    if (this.#attempt?.connection === connection) this.#attempt.lost.reject(error);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopenTimer);
    this.#attempt?.lost.reject(new Error('The connection was closed.'));
  }

  async #runAndReopen(): Promise<void> {
    try {
      await this.#runConnection();
    } catch (error) {
      if (this.#closed) return;
      this.#options.onDown(error as Error);
      this.#reopenTimer = setTimeout(() => this.open(), this.#backOff.next());
    }
  }

  /** Opens, prepares and watches one connection. Rejects when it ends. */
  async #runConnection(): Promise<never> {
    const { driver, connectTimeoutMs, prepare, onMessage, onUp } = this.#options;
    const lost = new Deferred<never>();
    const connection = driver.connect({
      onMessage: (channel, message) => {
        if (this.#attempt?.connection === connection) onMessage?.(connection, channel, message);
      },
      onLost: (error) => this.drop(connection, error),
    });
    this.#attempt = { connection, lost };
    let upSinceMs = Infinity;
    try {
      await withDeadline(
        Promise.race([connection.ready, lost.promise]),
        connectTimeoutMs,
        () => new Error(`Redis was not ready within ${connectTimeoutMs} ms.`),
      );
      // Needs commands, which a connection with subscriptions refuses.
      await Promise.race([confirmMaster(connection, connectTimeoutMs), lost.promise]);
      await Promise.race([prepare(connection), lost.promise]);
      this.#current = connection;
      upSinceMs = performance.now();
      onUp(connection);
      return await lost.promise;
    } finally {
      if (performance.now() - upSinceMs >= STABLE_MS) this.#backOff.reset();
      this.#current = this.#attempt = undefined;
      connection.close();
    }
  }
}
