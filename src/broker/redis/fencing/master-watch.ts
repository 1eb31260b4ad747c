import type { RedisConnection } from '../driver/redis-driver.interface.js';
import type { ResolvedRedisOptions } from '../redis-broker-options.js';
import { FormerMasterError } from './former-master-error.js';

/** Longest time for one question to other servers, in milliseconds. */
const MAX_TIMEOUT_MS = 1_000;

type Times = Pick<ResolvedRedisOptions, 'connectTimeoutMs' | 'probeIntervalMs'>;

/**
 * Confirms that the server of a new connection is the master, as far as other servers know.
 *
 * @throws FormerMasterError if it is not
 */
export async function confirmMaster(
  connection: RedisConnection,
  connectTimeoutMs: number,
  maxAgeMs = 0,
): Promise<void> {
  // Two questions follow one another. Half of the time remains to prepare the connection.
  const timeoutMs = Math.min(MAX_TIMEOUT_MS, connectTimeoutMs / 4);
  await connection.confirmMaster?.({ maxAgeMs, timeoutMs });
}

/**
 * Confirms periodically that the server of an open connection is still the master. A master that is cut off from the other
 * servers keeps accepting events, and its connections stay open.
 */
export class MasterWatch {
  readonly #times: Times;
  readonly #onFormerMaster: (connection: RedisConnection, error: FormerMasterError) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(times: Times, onFormerMaster: (connection: RedisConnection, error: FormerMasterError) => void) {
    this.#times = times;
    this.#onFormerMaster = onFormerMaster;
  }

  /** Watches a connection instead of the one before. Does nothing where no other server knows the master. */
  start(connection: RedisConnection): void {
    this.stop();
    if (connection.confirmMaster === undefined) return;
    // Jitter prevents all nodes from asking at the same time.
    const waitMs = this.#times.probeIntervalMs * (0.75 + Math.random() / 2);
    const timer = setTimeout(() => void this.#check(connection, timer), waitMs).unref();
    this.#timer = timer;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #check(connection: RedisConnection, timer: NodeJS.Timeout): Promise<void> {
    try {
      const { connectTimeoutMs, probeIntervalMs } = this.#times;
      await confirmMaster(connection, connectTimeoutMs, probeIntervalMs / 2);
    } catch (error) {
      // A lost connection is noticed by its owner.
      if (error instanceof FormerMasterError) return this.#onFormerMaster(connection, error);
    }
    if (this.#timer === timer) this.start(connection);
  }
}
