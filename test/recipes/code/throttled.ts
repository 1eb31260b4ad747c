import { Controller, Get, UseGuards } from '@nestjs/common';
import { SkipThrottle, ThrottlerGuard } from '@nestjs/throttler';
import { SseRoom } from 'nestjs-simple-sse';

@Controller('throttled')
@UseGuards(ThrottlerGuard)
export class ThrottledController {
  @Get('stream')
  @SkipThrottle()
  @SseRoom('news')
  stream(): void {}

  @Get('page')
  page(): string {
    return 'a page';
  }
}
