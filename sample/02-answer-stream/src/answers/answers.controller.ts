import { Body, Controller, Get, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { RunSignal, SseRun, SseRunTail, SseService } from 'nestjs-simple-sse';
import { SameOriginGuard } from '../../../shared/same-origin.guard.js';
import { TextPipe } from '../../../shared/text.pipe.js';
import type { RunEvents } from '../app.events.js';
import { NodeIdentity } from '../nodes/node-identity.js';
import { RUN_ID } from '../run-id.js';
import { WriterService } from './writer.service.js';

const QUESTION = new TextPipe(
  'question',
  /^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u,
  '1 to 200 characters on one line',
);

type AnswerEvent = { [Name in 'begin' | 'words']: { event: Name; data: RunEvents[Name] } }['begin' | 'words'];

@Controller('answers/:id')
@UseGuards(SameOriginGuard)
export class AnswersController {
  constructor(
    private readonly writer: WriterService,
    private readonly node: NodeIdentity,
    private readonly sse: SseService,
  ) {}

  /** Starts the answer, and streams it. The page may send the POST again: it then follows the answer, also after its end. */
  @Post()
  @SseRun('answers/:id', { compact: 'concat', restart: false, stopWhenUnwatchedMs: 60_000 })
  async *answer(
    @Param('id', RUN_ID) _id: string,
    @Body('question', QUESTION) question: string,
    @RunSignal() signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent> {
    yield { event: 'begin', data: { node: this.node.name } };
    for await (const data of this.writer.words(question, signal)) yield { event: 'words', data };
  }

  /** Follows the answer: after a reload, in another tab, at another node. What it has missed comes as one event. */
  @Get()
  @SseRunTail('answers/:id', { compact: 'concat' })
  tail(@Param('id', RUN_ID) _id: string): void {}

  /** Stops the answer on whatever node it is. */
  @Post('stop')
  @HttpCode(204)
  async stop(@Param('id', RUN_ID) id: string): Promise<void> {
    await this.sse.runs.stop(`answers/${id}`);
  }
}
