import { Controller, Get, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { SseRunTail, SseService } from 'nestjs-simple-sse';
import { SameOriginGuard } from '../../../shared/same-origin.guard.js';
import { RUN_ID } from '../run-id.js';
import { ImportsService } from './imports.service.js';

@Controller('imports/:id')
@UseGuards(SameOriginGuard)
export class ImportsController {
  constructor(
    private readonly imports: ImportsService,
    private readonly sse: SseService,
  ) {}

  @Post()
  @HttpCode(202)
  start(@Param('id', RUN_ID) id: string): Promise<void> {
    return this.imports.start(id);
  }

  /** Of the progress that a page has missed, only the newest is sent. */
  @Get('events')
  @SseRunTail('imports/:id', {
    compact: (earlier, later) => (earlier.event === later.event ? later : undefined),
  })
  events(@Param('id', RUN_ID) _id: string): void {}

  @Post('stop')
  @HttpCode(204)
  async stop(@Param('id', RUN_ID) id: string): Promise<void> {
    await this.sse.runs.stop(`imports/${id}`);
  }
}
