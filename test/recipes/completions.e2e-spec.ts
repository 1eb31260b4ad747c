import OpenAI from 'openai';
import { Injectable } from '@nestjs/common';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { CompletionsController } from './code/completions.js';
import { Model } from './code/model.js';

@Injectable()
class CountedModel extends Model {
  calls = 0;

  override async *stream(prompt: string, signal: AbortSignal): AsyncGenerator<string> {
    this.calls++;
    if (prompt === 'break') {
      yield 'never ';
      throw new Error('broken on purpose');
    }
    yield* super.stream(prompt, signal);
  }
}

async function textOf(answer: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = '';
  for await (const { choices } of answer) text += choices[0]?.delta.content ?? '';
  return text;
}

describe.each(platforms)('the recipe for the OpenAI client, on $name', (platform) => {
  let app: RunningApp;
  let openai: OpenAI;
  let model: CountedModel;

  beforeAll(async () => {
    app = await platform.start(
      sseApp({
        controllers: [CompletionsController],
        providers: [{ provide: Model, useClass: CountedModel }],
      }),
    );
    openai = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'ann', maxRetries: 0 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    model = app.get(Model) as CountedModel;
    model.calls = 0;
  });

  const ask = (content: string, key?: string, client = openai) =>
    client.chat.completions.create(
      { model: 'small', stream: true, messages: [{ role: 'user', content }] },
      key === undefined ? {} : { headers: { 'Idempotency-Key': key } },
    );

  it('an answer is read to its end', async () => {
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of await ask('to be or not')) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content)).toEqual([
      'to ',
      'be ',
      'or ',
      'not ',
      undefined,
    ]);
    expect(chunks.at(-1)).toMatchObject({ model: 'small', choices: [{ finish_reason: 'stop' }] });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('a request that is repeated with its key gets the same answer, which the model gives once', async () => {
    const cut = await ask('one two three', 'key-1');
    await cut[Symbol.asyncIterator]().next();
    cut.controller.abort();
    expect(await textOf(await ask('one two three', 'key-1'))).toBe('one two three ');
    expect(await textOf(await ask('one two three', 'key-1'))).toBe('one two three ');
    expect(model.calls).toBe(1);
    const bob = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'bob', maxRetries: 0 });
    expect(await textOf(await ask('mine', 'key-1', bob))).toBe('mine ');
    expect(model.calls).toBe(2);
  });

  it('a refusal is the error of its status', async () => {
    const stranger = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: '-', maxRetries: 0 });
    await expect(ask('hello', undefined, stranger)).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    const whole = openai.chat.completions.create({ model: 'small', messages: [] });
    await expect(whole).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  it('a failure of the model is an error, not a short answer', async () => {
    await expect(textOf(await ask('break'))).rejects.toThrow();
    await eventually(() => app.sse.count() === 0, 'the end of the stream');
  });
});
