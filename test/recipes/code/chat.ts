import { Body, Controller, Get, Param, Post, Req, UseGuards } from '@nestjs/common';
import { SseRoom, SseService } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

@Controller('chats')
@UseGuards(SessionGuard)
export class ChatController {
  constructor(private readonly sse: SseService) {}

  /** A new page begins with the newest messages; one that reconnects receives those that it missed. */
  @Get(':id/events')
  @SseRoom('chats/:id', { replay: 50 })
  events(): void {}

  /** Every member receives the message, the author too: the page shows it when it arrives. */
  @Post(':id/messages')
  async say(@Param('id') id: string, @Req() { user }: SignedIn, @Body() { text }: { text: string }) {
    return { position: await this.sse.broadcast(`chats/${id}`, 'said', { from: user.id, text }) };
  }
}
