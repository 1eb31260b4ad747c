import {
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  Req,
  Res,
  UseGuards,
  type CanActivate,
} from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, SseService, type CloseReason } from 'nestjs-simple-sse';
import { CountingMetrics } from '../delivery/counting-metrics.js';
import { sseApp } from '../support/sse-app.js';
import type { Type } from '@nestjs/common';
import type { SseLimitOptions, SseModuleOptions } from 'nestjs-simple-sse';

/** A request of Express or Fastify. */
export interface LimitedRequest {
  readonly headers: Record<string, string | undefined>;
}

export class LimitMetrics extends CountingMetrics {
  readonly limits: string[] = [];

  limitReached(limit: string): void {
    this.limits.push(limit);
  }

  limitUnchecked(limit: string): void {
    this.limits.push(`unchecked ${limit}`);
  }
}

class RefusingGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

/** The function that the rooms of `/waiting` wait for. */
export const rooms = { wait: (): Promise<void> => Promise.resolve() };

@Controller()
export class LimitedController {
  readonly reasons: CloseReason[] = [];

  constructor(private readonly sse: SseService) {}

  @Get('stream')
  @SseRoom('lobby')
  stream(): void {}

  /** Computes its room in some turns of the event loop, as from a database. */
  @Get('waiting')
  @SseRoom(async () => {
    await rooms.wait();
    return 'lobby';
  })
  waiting(): void {}

  @Get('guarded')
  @UseGuards(RefusingGuard)
  @SseRoom('lobby')
  guarded(): void {}

  @Get('bad-room')
  @SseRoom(() => '')
  badRoom(): void {}

  @Get('failing-room')
  @SseRoom(() => {
    throw new Error('no database');
  })
  failingRoom(): void {}

  @Get('failing-handler')
  @SseRoom('lobby')
  failingHandler(): void {
    throw new HttpException('gone', 410);
  }

  /** Sets a header that Node refuses when the stream opens. */
  @Get('failing-head')
  @SseRoom('lobby')
  failingHead(@ConnectedClient() client: SseClient): void {
    client.connection.open = () => {
      throw new Error('an invalid header');
    };
  }

  @Get('removed')
  @SseRoom('lobby')
  removed(@ConnectedClient() client: SseClient): void {
    client.close();
  }

  @Get('raw')
  raw(@Req() request: object, @Res() response: object): void {
    const client = this.sse.add(request, response, { rooms: 'lobby' });
    void client.closed.then((reason) => this.reasons.push(reason));
  }
}

export const metrics = new LimitMetrics();

/** An application that takes the user of a request from a header. */
export function limitedApp(limits: SseLimitOptions, options: SseModuleOptions = {}): Type {
  return sseApp({
    controllers: [LimitedController],
    options: {
      heartbeatIntervalMs: 20,
      identify: (client) => {
        const { user } = (client.request as LimitedRequest).headers;
        return user === undefined ? undefined : { user };
      },
      metrics,
      rooms: { lobby: { presence: true } },
      presenceGraceMs: false,
      limits,
      ...options,
    },
  });
}

export function keyOf({ headers }: LimitedRequest): string | undefined {
  if (headers['tenant'] === 'banned') throw new ForbiddenException();
  return headers['tenant'];
}
