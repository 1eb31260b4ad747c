import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import type { HealthCheckResult } from '@nestjs/terminus';
import { SseHealthIndicator } from 'nestjs-simple-sse/terminus';

/** Its module imports `TerminusModule` and provides `SseHealthIndicator`. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly sse: SseHealthIndicator,
  ) {}

  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.sse.isAlive('sse')]);
  }

  /** Down while the node drains. Up without Redis: its streams wait for it, as those of all other nodes do. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.sse.isReady('sse')]);
  }
}
