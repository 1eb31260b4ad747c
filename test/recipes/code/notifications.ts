import { Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { SseRoom, SseService } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

@Controller('notifications')
@UseGuards(SessionGuard)
export class NotificationsController {
  @Get()
  @SseRoom((request: SignedIn) => `user/${request.user.id}`)
  stream(): void {}
}

@Injectable()
export class Notifications {
  constructor(private readonly sse: SseService) {}

  notify(userId: string, text: string): Promise<string | undefined> {
    return this.sse.broadcast(`user/${userId}`, 'notified', { text });
  }
}
