import { randomUUID } from 'node:crypto';
import {
  BadRequestException,
  Body,
  Controller,
  Post,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { RunSignal, SseRun } from 'nestjs-simple-sse';
import type { ChatCompletionChunk, ChatCompletionCreateParams } from 'openai/resources/chat/completions';
import { Model } from './model.js';

/** The request after the guard. */
interface Caller {
  headers: Record<string, string | undefined>;
  caller: string;
}

/** Takes the key of the client for its name. Yours looks it up. */
export class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Caller>();
    const [, key] = /^Bearer (\w+)$/.exec(request.headers['authorization'] ?? '') ?? [];
    if (key === undefined) throw new UnauthorizedException();
    request.caller = key;
    return true;
  }
}

/** A request that is repeated with its key follows the same answer, which the model gives once. */
const runOf = ({ caller, headers }: Caller): string =>
  `completions/${caller}/${headers['idempotency-key'] ?? randomUUID()}`;

@Controller('v1/chat/completions')
@UseGuards(ApiKeyGuard)
export class CompletionsController {
  constructor(private readonly model: Model) {}

  @Post()
  @SseRun(runOf, { control: false, restart: false, stopWhenUnwatchedMs: 60_000 })
  async *create(@Body() body: ChatCompletionCreateParams, @RunSignal() signal: AbortSignal) {
    const prompt = body.messages?.at(-1)?.content;
    if (body.stream !== true || typeof prompt !== 'string')
      throw new BadRequestException('Supported are "stream": true and a text as the last message');
    const shared = { id: randomUUID(), created: Math.floor(Date.now() / 1_000), model: body.model };
    const chunk = (
      delta: ChatCompletionChunk.Choice.Delta,
      finish_reason: ChatCompletionChunk.Choice['finish_reason'] = null,
    ): { data: ChatCompletionChunk } => ({
      data: { ...shared, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] },
    });
    for await (const content of this.model.stream(prompt, signal)) yield chunk({ content });
    yield chunk({}, 'stop');
    yield '[DONE]';
  }
}
