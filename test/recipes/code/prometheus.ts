import { Controller, Get, Header } from '@nestjs/common';
import { prometheusMetrics } from 'nestjs-simple-sse/prometheus';
import { register } from 'prom-client';

/** For `SseModule.forRoot({ metrics })`. */
export const metrics = prometheusMetrics();

@Controller('metrics')
export class MetricsController {
  @Get()
  @Header('Content-Type', register.contentType)
  metrics(): Promise<string> {
    return register.metrics();
  }
}
