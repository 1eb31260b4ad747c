import type { SseMetrics } from 'nestjs-simple-sse';

/** How many events were handed to clients since it was last asked. */
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
