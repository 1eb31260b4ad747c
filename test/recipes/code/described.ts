import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiQuery } from '@nestjs/swagger';
import { SseRoom } from 'nestjs-simple-sse';

@Controller('described')
export class DescribedController {
  @Get()
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'Events `changed` with { id, cents }', schema: { type: 'string' } })
  @ApiQuery({ name: 'lastEventId', required: false, description: 'Resumes after this event' })
  @SseRoom('prices')
  prices(): void {}
}
