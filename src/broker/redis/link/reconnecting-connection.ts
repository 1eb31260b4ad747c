import { BackOff } from './back-off.js';
import { Deferred, withDeadline } from './deferred.js';
import type { RedisConnection, RedisDriver } from '../driver/redis-driver.interface.js';

export interface ReconnectingConnectionOptions {
  readonly driver: RedisDriver;
  readonly connectTimeoutMs: number;
  /** What is done on a new connection before it counts. Where that fails, the connection is made again. */
  readonly prepare: (connection: RedisConnection) => Promise<void>;
  readonly onMessage?: (connection: RedisConnection, channel: string, message: string) => void;
  readonly onUp: (connection: RedisConnection) => void;
  /** The connection is lost, or could not be made. Called before each new attempt. */
  readonly onDown: (error: Error) => void;
}

/** Keeps one connection to Redis: where it is lost, another one is made, for as long as it takes. */
export class ReconnectingConnection {
  readonly #options: ReconnectingConnectionOptions;
  readonly #backOff = new BackOff();
  #attempt: { readonly connection: RedisConnection; readonly lost: Deferred<never> } | undefined;
  #current: RedisConnection | undefined;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ReconnectingConnectionOptions) {
    this.#options = options;
  }

  /** The connection, when it is there and prepared. */
  get current(): RedisConnection | undefined {
    return this.#current;
  }

  open(): void {
    void this.#keepOne();
  }

  /** Gives up a connection that does not work, and makes another one. */
  drop(connection: RedisConnection, error: Error): void {
    if (this.#current === connection) this.#current = undefined;
    if (this.#attempt?.connection === connection) this.#attempt.lost.reject(error);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#attempt?.lost.reject(new Error('The connection was closed.'));
  }

  async #keepOne(): Promise<void> {
    try {
      await this.#oneConnection();
    } catch (error) {
      if (this.#closed) return;
      this.#options.onDown(error as Error);
      this.#pause = setTimeout(() => this.open(), this.#backOff.next());
    }
  }

  /** The life of one connection. Always ends with an error. */
  async #oneConnection(): Promise<never> {
    const { driver, connectTimeoutMs, prepare, onMessage, onUp } = this.#options;
    const lost = new Deferred<never>();
    const connection = driver.connect({
      onMessage: (channel, message) => {
        if (this.#attempt?.connection === connection) onMessage?.(connection, channel, message);
      },
      onLost: (error) => this.drop(connection, error),
    });
    this.#attempt = { connection, lost };
    try {
      await withDeadline(
        Promise.race([connection.ready, lost.promise]),
        connectTimeoutMs,
        () => new Error(`Redis was not ready within ${connectTimeoutMs} ms.`),
      );
      await Promise.race([prepare(connection), lost.promise]);
      this.#current = connection;
      this.#backOff.reset();
      onUp(connection);
      return await lost.promise;
    } finally {
      this.#current = this.#attempt = undefined;
      connection.close();
    }
  }
}
