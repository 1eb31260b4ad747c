import { Controller, Get, Req, Res } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, SseService, type SseModuleOptions } from 'nestjs-simple-sse';
import { Subject, type Observable } from 'rxjs';
import { sseApp } from '../support/sse-app.js';
import type { Type } from '@nestjs/common';

/** The source of the finite streams, and the function that the rooms of `/waiting` wait for. */
export const sources = { finite: new Subject<string>(), rooms: (): Promise<void> => Promise.resolve() };

@Controller()
class DrainController {
  constructor(private readonly sse: SseService) {}

  @Get('lobby')
  @SseRoom('lobby')
  lobby(): void {}

  @Get('finite')
  @SseRoom()
  finite(): Observable<string> {
    return sources.finite;
  }

  @Get('waiting')
  @SseRoom(async () => {
    await sources.rooms();
    return 'lobby';
  })
  waiting(): void {}

  @Get('own-range')
  @SseRoom('lobby', { retryMs: { minMs: 100, maxMs: 199 } })
  ownRange(): void {}

  @Get('own-retry')
  @SseRoom('lobby')
  ownRetry(@ConnectedClient() client: SseClient): void {
    client.setRetry(60_000);
  }

  @Get('raw')
  raw(@Req() request: object, @Res() response: object): void {
    this.sse.add(request, response, { rooms: 'lobby', retryMs: { minMs: 300, maxMs: 399 } });
  }

  @Get('page')
  page(): string {
    return 'a page';
  }
}

export function drainApp(options: SseModuleOptions): Type {
  return sseApp({ controllers: [DrainController], options });
}
