import { Controller, Get, Header } from '@nestjs/common';
import type { SseMetrics } from 'nestjs-simple-sse';
import { Counter, Gauge, Registry } from 'prom-client';

export const registry = new Registry();
const registers = [registry];
const open = new Gauge({ name: 'sse_streams_open', help: 'Open streams', registers });
const closed = new Counter({
  name: 'sse_streams_closed_total',
  help: 'Ended streams',
  labelNames: ['reason'],
  registers,
});
const delivered = new Counter({ name: 'sse_deliveries_total', help: 'Events times clients', registers });
const dropped = new Counter({ name: 'sse_volatile_dropped_total', help: 'Volatile events', registers });

/** For `SseModule.forRoot({ metrics: prometheusMetrics })`. */
export const prometheusMetrics: SseMetrics = {
  clientOpened: () => open.inc(),
  clientClosed: (reason) => {
    open.dec();
    closed.inc({ reason });
  },
  eventDelivered: (clients) => delivered.inc(clients),
  volatileDropped: () => dropped.inc(),
};

@Controller('metrics')
export class MetricsController {
  @Get()
  @Header('Content-Type', registry.contentType)
  metrics(): Promise<string> {
    return registry.metrics();
  }
}
