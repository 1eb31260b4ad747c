import type { CloseReason, SseMetrics } from 'nestjs-simple-sse';

/** Counts the calls, as the metrics of an application do. */
export class CountingMetrics implements SseMetrics {
  opened = 0;
  readonly closed: Partial<Record<CloseReason, number>> = {};
  readonly refused: Partial<Record<CloseReason, number>> = {};
  /** The number of clients that received each event. */
  readonly deliveries: number[] = [];
  volatileDrops = 0;

  clientOpened(): void {
    this.opened++;
  }

  clientClosed(reason: CloseReason): void {
    this.closed[reason] = (this.closed[reason] ?? 0) + 1;
  }

  clientRefused(reason: CloseReason): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1;
  }

  eventDelivered(clients: number): void {
    this.deliveries.push(clients);
  }

  volatileDropped(): void {
    this.volatileDrops++;
  }
}
