import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseService } from 'nestjs-simple-sse';
import { AppModule } from '../../sample/02-answer-stream/src/app.module.js';
import { WriterService } from '../../sample/02-answer-stream/src/answers/writer.service.js';
import { NodeIdentity } from '../../sample/02-answer-stream/src/nodes/node-identity.js';
import { serveClient } from '../client/served-client.js';
import { openStream, type EventStream, type OpenOptions } from '../support/event-stream.js';
import { portOf } from '../support/port-of.js';
import { pause } from '../support/within.js';

/** The sample as `npm run start:answer-stream` runs it, on a free port. */
export class AnswerStreamApp {
  readonly url: string;
  /** Number of words after which an answer waits, so that a test can act in the middle of it. */
  wordLimit = Infinity;
  readonly sse: SseService;
  readonly #streams: EventStream[] = [];

  private constructor(readonly app: INestApplication) {
    this.url = `http://127.0.0.1:${portOf(app.getHttpServer())}`;
    this.sse = app.get(SseService, { strict: false });
    const writer = app.get(WriterService, { strict: false });
    const words = writer.words.bind(writer);
    writer.words = (question, signal) => this.#held(words(question, signal), signal);
  }

  async *#held(words: AsyncIterable<string>, signal: AbortSignal): AsyncGenerator<string> {
    let count = 0;
    for await (const word of words) {
      while (count >= this.wordLimit && !signal.aborted) await pause(2);
      count++;
      yield word;
    }
  }

  static async start(): Promise<AnswerStreamApp> {
    const app = await NestFactory.create(AppModule.of(new NodeIdentity()), {
      logger: ['error', 'warn'],
      abortOnError: false,
    });
    // In a build of the sample its own controller serves the client, compiled beside it.
    serveClient(app);
    await app.listen(0, '127.0.0.1');
    return new AnswerStreamApp(app);
  }

  /** Opens a stream, or another answer. */
  async open(path: string, options: OpenOptions = {}): Promise<EventStream> {
    const stream = await openStream(this.url + path, options);
    this.#streams.push(stream);
    return stream;
  }

  ask(id: string, question: unknown): Promise<EventStream> {
    const headers = { 'content-type': 'application/json' };
    return this.open(`/answers/${id}`, { method: 'POST', headers, body: JSON.stringify({ question }) });
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await this.app.close();
  }
}
