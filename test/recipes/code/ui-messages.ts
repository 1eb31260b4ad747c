import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Logger,
  Param,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common';
import { convertToModelMessages, streamText, type LanguageModel, type UIMessage } from 'ai';
import { RunSignal, SseRun, SseRunTail, SseService } from 'nestjs-simple-sse';
import { SessionGuard, type SignedIn } from './session.guard.js';

/** Token of the model: `{ provide: MODEL, useValue: openai('gpt-5') }`. */
export const MODEL = Symbol('MODEL');

/** The body that `DefaultChatTransport` sends. */
interface ChatRequest {
  id: string;
  messages: UIMessage[];
}

// The user is a part of the name, so that nobody follows or stops the answers of others.
const runOf = (user: string, chat: string): string => `answers/${user}/${chat}`;

@Controller('api/chat')
@UseGuards(SessionGuard)
export class UiMessagesController {
  private readonly logger = new Logger(UiMessagesController.name);

  constructor(
    private readonly sse: SseService,
    @Inject(MODEL) private readonly model: LanguageModel,
  ) {}

  /** `sendMessage` of the page. 409 while the chat has an answer that goes on. */
  @Post()
  @Header('x-vercel-ai-ui-message-stream', 'v1')
  @SseRun(({ user, body }: SignedIn & { body: ChatRequest }) => runOf(user.id, body.id), {
    control: false,
    whenRunning: 'conflict',
    stopWhenUnwatchedMs: 60_000,
  })
  async *answer(@Body() { messages }: ChatRequest, @RunSignal() abortSignal: AbortSignal) {
    const answer = streamText({
      model: this.model,
      messages: await convertToModelMessages(messages),
      abortSignal,
      onError: ({ error }) => this.logger.error(error),
    });
    for await (const data of answer.toUIMessageStream()) yield { data };
    yield '[DONE]';
  }

  /** `resumeStream` of the page after a reload: the answer that goes on, from its beginning, or 204. */
  @Get(':id/stream')
  @Header('x-vercel-ai-ui-message-stream', 'v1')
  @SseRunTail(({ user, params }: SignedIn & { params: { id: string } }) => runOf(user.id, params.id), {
    control: false,
    whenEnded: 'no-content',
  })
  resume(): void {}

  /** For the stop button: `stop()` of the page only ends its request. */
  @Delete(':id/stream')
  @HttpCode(204)
  async stop(@Req() { user }: SignedIn, @Param('id') id: string): Promise<void> {
    await this.sse.runs.stop(runOf(user.id, id));
  }
}
