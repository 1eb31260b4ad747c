import { Controller, Get, Req, UseGuards } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

@Controller('expiring')
@UseGuards(SessionGuard)
export class ExpiringController {
  /** Ends the stream when the session does. The browser reconnects, and the guard decides. */
  @Get()
  @SseRoom('news')
  stream(@Req() { headers }: SignedIn, @ConnectedClient() client: SseClient): void {
    const timer = setTimeout(() => client.close(), Number(headers['x-expires-in-ms'] ?? 3_600_000));
    void client.closed.then(() => clearTimeout(timer));
  }
}
