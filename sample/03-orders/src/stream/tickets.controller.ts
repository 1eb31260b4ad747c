import { Body, Controller, ForbiddenException, Get, Post, UseGuards } from '@nestjs/common';
import { SseRoom, SseService, SseTicketGuard, ticketRooms } from 'nestjs-simple-sse';
import { z } from 'zod';
import { CurrentSession, type Session, sessionRoom } from '../accounts/account.js';
import { SignedInGuard } from '../accounts/signed-in.guard.js';
import { SchemaPipe } from '../schema.pipe.js';
import { RoomPermissions } from './room-permissions.js';

const WANTED = z.strictObject({ rooms: z.array(z.string().max(64)).min(1).max(20) });

/** Streams of clients that have a token in place of a cookie, which `EventSource` cannot send. */
@Controller('tickets')
export class TicketsController {
  constructor(
    private readonly sse: SseService,
    private readonly permissions: RoomPermissions,
  ) {}

  /** The ticket is good for one stream in these rooms, which ends with the session. */
  @Post()
  @UseGuards(SignedInGuard)
  async issue(
    @CurrentSession() session: Session,
    @Body(new SchemaPipe(WANTED)) { rooms }: { rooms: string[] },
  ): Promise<{ ticket: string }> {
    const { account, expiresAt } = session;
    const refused = rooms.filter((room) => !this.permissions.allows(account, room));
    if (refused.length > 0) throw new ForbiddenException(`Not for your account: ${refused.join(', ')}`);
    const ticket = await this.sse.tickets.issue({
      user: account.id,
      rooms: [...rooms, sessionRoom(session)],
      expiresAt,
    });
    return { ticket };
  }

  @Get('events')
  @UseGuards(SseTicketGuard)
  @SseRoom(ticketRooms)
  events(): void {}
}
