import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import type { StatsSample } from '../app.events.js';
import { STATS_ROOM, StatsService } from './stats.service.js';

@Controller('stats')
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  /** The smallest possible endpoint: `curl -N localhost:3000/stats/events`. */
  @Get('events')
  @SseRoom(STATS_ROOM)
  events(): void {}

  @Get('recent')
  recent(): readonly StatsSample[] {
    return this.stats.recent();
  }
}
