import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import { type RoomDecision, SseRoom, SseRoomChanges } from 'nestjs-simple-sse';
import { type Account, CurrentAccount, sessionRoom, type SignedInRequest } from '../accounts/account.js';
import { SignedInGuard } from '../accounts/signed-in.guard.js';
import { roomsOf, RoomPermissions } from './room-permissions.js';

/** The stream of a page that is signed in, and the orders that it opens meanwhile. */
@Controller()
@UseGuards(SignedInGuard)
export class StreamController {
  constructor(private readonly permissions: RoomPermissions) {}

  @Get('events')
  @SseRoom(({ signedIn }: SignedInRequest) =>
    signedIn ? [...roomsOf(signedIn.account), sessionRoom(signedIn)] : [],
  )
  events(): void {}

  @Post('rooms')
  @SseRoomChanges()
  rooms(@CurrentAccount() account: Account): RoomDecision {
    return (room) => this.permissions.allows(account, room);
  }
}
