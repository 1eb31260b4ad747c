import { Controller, Get, Header } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import type { HealthCheckResult } from '@nestjs/terminus';
import { SseHealthIndicator, type SseHealthResult } from 'nestjs-simple-sse/terminus';

/** Its module imports `TerminusModule` and provides `SseHealthIndicator`. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly sse: SseHealthIndicator,
  ) {}

  /** `HealthCheckService` answers each check with 503 during a shutdown, so this one does without it. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): SseHealthResult<'sse'> {
    return this.sse.isAlive('sse');
  }

  /** Down while the node drains. Up without Redis: its streams wait for it, as those of all other nodes do. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.sse.isReady('sse')]);
  }
}
