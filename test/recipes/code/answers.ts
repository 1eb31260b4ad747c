import { Body, Controller, Post } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { Model } from './model.js';

@Controller('answers')
export class AnswersController {
  constructor(private readonly model: Model) {}

  /** A client built on `fetch` reads it: `EventSource` cannot send a body. */
  @Post()
  @SseRoom()
  async *answer(@Body() { prompt }: { prompt: string }, @ConnectedClient() client: SseClient) {
    // The signal stops the model when the page goes away, since nobody would read on.
    for await (const token of this.model.stream(prompt, client.signal)) yield { type: 'token', data: token };
    yield { type: 'done', data: '' };
  }
}
