import { Body, Controller, ForbiddenException, Get, Param, Post, Req, UseGuards } from '@nestjs/common';
import { SseRoom, SseRoomChanges, SseService } from 'nestjs-simple-sse';
import type { RoomDecision, SseMember, SseModuleOptions } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

/** Options of every node, beside `broker: redisBroker({ url })`. */
export const balancedChat: SseModuleOptions = {
  identify: ({ request }) => ({ user: (request as SignedIn).user.id }),
  rooms: { 'chats/*': { presence: true, presenceEvents: true } },
  // Asked at each join, and again when a stream comes back. Yours asks the database.
  authorizeRoom: (client, room) => isMember(client.user, room),
};

const isMember = (user: string | undefined, room: string): boolean =>
  room === 'chats/all' || room === `chats/${user}`;

@Controller()
@UseGuards(SessionGuard)
export class BalancedChatController {
  constructor(private readonly sse: SseService) {}

  /** One stream for each page. The rooms that the page joins later belong to its session. */
  @Get('events')
  @SseRoom((request: SignedIn) => `user/${request.user.id}`)
  events(): void {}

  /** The page joins and leaves chats, through whatever node answers. */
  @Post('rooms')
  @SseRoomChanges({ replay: 50 })
  rooms(@Req() { user }: SignedIn): RoomDecision {
    return (room) => room.startsWith('chats/') && isMember(user.id, room);
  }

  @Get('chats/:id/present')
  present(@Param('id') id: string): Promise<SseMember[]> {
    return this.sse.presence(`chats/${id}`);
  }

  @Post('chats/:id/messages')
  async say(@Param('id') id: string, @Req() { user }: SignedIn, @Body() { text }: { text: string }) {
    if (!isMember(user.id, `chats/${id}`)) throw new ForbiddenException();
    return { position: await this.sse.broadcast(`chats/${id}`, 'said', { from: user.id, text }) };
  }
}
