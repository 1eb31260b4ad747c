import type { BrokerListener, BrokerLogLevel } from '../../broker.interface.js';

/**
 * The log lines of one Redis broker, shared by its partitions. They go to the listener, which in a Nest application is the
 * node with Nest's `Logger`. Without an `onLog` of the listener they are warnings of the process.
 */
export class BrokerLog {
  #onLog: BrokerListener['onLog'];
  readonly #warned = new Set<string>();

  attach({ onLog }: Pick<BrokerListener, 'onLog'>): void {
    this.#onLog ??= onLog;
  }

  readonly write = (level: BrokerLogLevel, message: string): void => {
    if (this.#onLog === undefined) process.emitWarning(message, 'SseRedisWarning');
    else this.#onLog(level, message);
  };

  /** Writes a warning, once for each text. */
  readonly warn = (message: string): void => {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.write('warn', message);
  };
}
