import type { CloseReason, SseMetrics } from 'nestjs-simple-sse';

/** What an application's own metrics would count. */
export class CountingMetrics implements SseMetrics {
  opened = 0;
  readonly closed: Partial<Record<CloseReason, number>> = {};
  /** One number for each event: the clients that it was handed to. */
  readonly deliveries: number[] = [];
  volatileDrops = 0;

  clientOpened(): void {
    this.opened++;
  }

  clientClosed(reason: CloseReason): void {
    this.closed[reason] = (this.closed[reason] ?? 0) + 1;
  }

  eventDelivered(clients: number): void {
    this.deliveries.push(clients);
  }

  volatileDropped(): void {
    this.volatileDrops++;
  }
}
