import type { BrokerState } from '../../broker/broker.interface.js';

/** The states of the partitions of a broker. */
export class PartitionStates {
  readonly #states: BrokerState[];
  /** Called at the next change of a state. */
  readonly #waiting = new Set<() => void>();

  constructor(partitions: number) {
    this.#states = Array.from({ length: partitions }, () => 'down');
  }

  set(partition: number, state: BrokerState): void {
    this.#states[partition] = state;
    for (const wake of this.#waiting) wake();
  }

  isLive(partition: number): boolean {
    return this.#states[partition] === 'live';
  }

  /** The state of the least available partition. */
  get least(): BrokerState {
    return (['down', 'syncing'] as const).find((state) => this.#states.includes(state)) ?? 'live';
  }

  /** Settles when the partitions are live, or when the signal is aborted. */
  async whenLive(partitions: readonly number[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !partitions.every((each) => this.isLive(each))) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}
