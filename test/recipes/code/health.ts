import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { HealthCheckResult } from '@nestjs/terminus';
import { firstValueFrom } from 'rxjs';
import { SseService } from 'nestjs-simple-sse';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicator: HealthIndicatorService,
    private readonly sse: SseService,
  ) {}

  /** Readiness. Do not use it as liveness: a restart would end the streams, and Redis would still be away. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([
      async () => {
        const broker = await firstValueFrom(this.sse.brokerState$);
        const check = this.indicator.check('sse');
        return broker === 'down' ? check.down({ broker }) : check.up({ broker });
      },
    ]);
  }
}
