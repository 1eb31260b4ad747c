import type { SseMetrics } from 'nestjs-simple-sse';

/** Counts deliveries since the last `take()`. */
export class DeliveryCounter implements SseMetrics {
  private deliveries = 0;

  take(): number {
    const { deliveries } = this;
    this.deliveries = 0;
    return deliveries;
  }

  eventDelivered(clients: number): void {
    this.deliveries += clients;
  }

  clientOpened(): void {}
  clientClosed(): void {}
  volatileDropped(): void {}
}
