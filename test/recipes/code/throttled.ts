import { Controller, Get, Injectable, UseGuards, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';
import { SseRoom } from 'nestjs-simple-sse';

/** Throttles everything but streams: a browser's `EventSource` that was answered with 429 never comes back. */
@Injectable()
export class RequestThrottlerGuard extends ThrottlerGuard {
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    const { headers } = context.switchToHttp().getRequest<{ headers: { accept?: string } }>();
    return headers.accept?.includes('text/event-stream') ?? false;
  }
}

@Controller('throttled')
@UseGuards(RequestThrottlerGuard)
export class ThrottledController {
  @Get('stream')
  @SseRoom('news')
  stream(): void {}

  @Get('page')
  page(): string {
    return 'a page';
  }
}
