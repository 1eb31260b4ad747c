import { Controller, Get, Post, UseGuards, type Type } from '@nestjs/common';
import { SseRoom, SseRoomChanges, SseService, SseTicketGuard, type RoomDecision } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { fastify } from '../../support/platforms.js';
import { sseApp } from '../../support/sse-app.js';
import { serveClient } from '../served-client.js';
import type { RunningApp } from '../../support/running-app.js';

@Controller()
class TabsController {
  constructor(private readonly sse: SseService) {}

  @Get('live')
  @UseGuards(SseTicketGuard)
  @SseRoom('news')
  live(): void {}

  @Post('tickets')
  async tickets(): Promise<{ ticket: string }> {
    return { ticket: await this.sse.tickets.issue({ user: 'ann', ttlMs: 2_000 }) };
  }

  @Post('rooms')
  @SseRoomChanges({ user: () => 'ann' })
  rooms(): RoomDecision {
    return true;
  }
}

function tabsApp(redisUrl: string): Type {
  return sseApp({
    controllers: [TabsController],
    options: {
      broker: redisBroker({ url: redisUrl, publishTimeoutMs: 20_000 }),
      heartbeatIntervalMs: 500,
      historyMaxEvents: 100_000,
      retryMs: 20,
      tickets: {},
    },
  });
}

/** Starts one node that also serves the page. @param changed makes a mutant of the text of each file of the client */
export function startNode(
  redisUrl: string,
  port: number,
  changed: ((text: string) => string) | undefined,
): Promise<RunningApp> {
  return fastify.start(tabsApp(redisUrl), { port, configure: (app) => serveClient(app, changed) });
}
