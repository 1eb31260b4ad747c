import { Controller, Get, HttpException, Req, UseGuards } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

const MAX_STREAMS = 5;

@Controller('limited')
@UseGuards(SessionGuard)
export class LimitedController {
  private readonly streams = new Map<string, number>();

  @Get()
  @SseRoom('news')
  stream(@Req() { user }: SignedIn, @ConnectedClient() client: SseClient): void {
    const count = this.streams.get(user.id) ?? 0;
    // Counted and compared in one turn of the event loop, so that simultaneous requests cannot pass together.
    if (count >= MAX_STREAMS) throw new HttpException('Too many streams', 429);
    this.streams.set(user.id, count + 1);
    void client.closed.then(() => this.streams.set(user.id, (this.streams.get(user.id) ?? 1) - 1));
  }
}
