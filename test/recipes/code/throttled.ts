import { Controller, Get, UseGuards } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { SseThrottlerGuard } from 'nestjs-simple-sse/throttler';

@Controller('throttled')
@UseGuards(SseThrottlerGuard)
export class ThrottledController {
  @Get('stream')
  @SseRoom('news')
  stream(): void {}

  @Get('page')
  page(): string {
    return 'a page';
  }
}
