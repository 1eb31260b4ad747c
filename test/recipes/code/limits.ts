import { Controller, Get, UseGuards } from '@nestjs/common';
import { SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

/** For `SseModule.forRoot()`. */
export const limited: SseModuleOptions = {
  identify: ({ request }) => ({ user: (request as SignedIn).user.id }),
  limits: { maxStreamsPerUser: 5 },
};

@Controller('limited')
@UseGuards(SessionGuard)
export class LimitedController {
  @Get()
  @SseRoom('news')
  stream(): void {}
}
