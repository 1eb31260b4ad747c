import type { SseMetrics } from './sse-metrics.interface.js';

/** Injection token of a provider, of any value, in a module that reads the totals of its node. Without one nothing is summed. */
export const READS_NODE_TOTALS = Symbol('READS_NODE_TOTALS');

/** Sums of a node since its start. */
export interface NodeSums {
  /** Events of the broker, times the clients that received them. */
  readonly deliveries: number;
  readonly volatileDropped: number;
  /** Clients that received `sse:gap`, by reason. */
  readonly gaps: Readonly<Record<string, number>>;
  /** Clients that came back with a position, by outcome. */
  readonly resumes: Readonly<Record<string, number>>;
}

/** Sums what a page of this package shows. */
export class NodeTotals implements SseMetrics {
  #deliveries = 0;
  #volatileDropped = 0;
  readonly #gaps: Record<string, number> = {};
  readonly #resumes: Record<string, number> = {};

  get sums(): NodeSums {
    return {
      deliveries: this.#deliveries,
      volatileDropped: this.#volatileDropped,
      gaps: { ...this.#gaps },
      resumes: { ...this.#resumes },
    };
  }

  // Required of metrics, and counted elsewhere: the streams of a page are not among those that it shows.
  clientOpened(): void {}
  clientClosed(): void {}

  eventDelivered(clients: number): void {
    this.#deliveries += clients;
  }

  volatileDropped(): void {
    this.#volatileDropped++;
  }

  gapSent(reason: string, clients: number): void {
    this.#gaps[reason] = (this.#gaps[reason] ?? 0) + clients;
  }

  clientResumed(outcome: string): void {
    this.#resumes[outcome] = (this.#resumes[outcome] ?? 0) + 1;
  }
}
