import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { STATS_ROOM, type StatsSample, StatsService } from './stats.service.js';

@Controller('stats')
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  /** The smallest endpoint there is: `curl -N localhost:3000/stats/events`. */
  @Get('events')
  @SseRoom(STATS_ROOM)
  events(): void {}

  @Get('recent')
  recent(): readonly StatsSample[] {
    return this.stats.recent();
  }
}
