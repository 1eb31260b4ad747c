import { parseData } from '../../protocol/parse-data.js';
import type { TestEvent } from './test-event.js';
import type { TestResponse } from './test-response.js';
import { TestStreamError } from './test-stream-error.js';

/** The end of a response: `'ended'` by the server, `'cut'` before its end or at a byte, or `'closed'` by the test. */
export type TestStreamEnd = 'ended' | 'cut' | 'closed';

/** Receives what a response contains. */
export interface ConnectionListener {
  onEvent(event: TestEvent): void;
  onText(text: string): void;
  onComment(comment: string): void;
  onEnd(end: TestStreamEnd): void;
}

/** One response that is being read, over a connection of its own. */
export class TestConnection {
  readonly #response: TestResponse;
  #bytes = 0;
  #cutAtByte: number;
  #end: TestStreamEnd | undefined;

  /** @param cutAtByte bytes of the body after which the connection is cut */
  constructor(response: TestResponse, cutAtByte = Infinity) {
    this.#response = response;
    this.#cutAtByte = cutAtByte;
  }

  get status(): number {
    return this.#response.status;
  }

  get headers(): TestResponse['headers'] {
    return this.#response.headers;
  }

  /** Returns the whole body of an answer that is no stream. */
  async text(): Promise<string> {
    let text = '';
    for await (const chunk of this.#response.body.setEncoding('utf8')) text += String(chunk);
    return text;
  }

  /** Reads the body as events from now on. */
  async read(listener: ConnectionListener): Promise<void> {
    const { createParser } = await loadParser();
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent: ({ event = 'message', data, id }) =>
        listener.onEvent({ event, data: parseData(data), text: data, id }),
      onComment: (comment) => listener.onComment(comment),
    });
    this.#response.body.on('data', (chunk: Buffer) => {
      if (this.#end !== undefined) return;
      const bytes = chunk.subarray(0, this.#cutAtByte - this.#bytes);
      this.#bytes += bytes.length;
      const text = decoder.decode(bytes, { stream: true });
      listener.onText(text);
      parser.feed(text);
      if (this.#bytes >= this.#cutAtByte) this.close('cut');
    });
    this.#response.body.once('close', () => {
      this.#end ??= this.#response.isComplete() ? 'ended' : 'cut';
      listener.onEnd(this.#end);
    });
  }

  /** Cuts the connection after this many bytes of the body; at once where they have arrived. */
  cutAt(byte: number): void {
    this.#cutAtByte = byte;
    if (this.#bytes >= byte) this.close('cut');
  }

  /** Cuts the connection. */
  close(end: TestStreamEnd): void {
    this.#end ??= end;
    this.#response.destroy();
  }
}

async function loadParser(): Promise<typeof import('eventsource-parser')> {
  try {
    return await import('eventsource-parser');
  } catch (cause) {
    const error = new TestStreamError(
      'openTestStream reads streams with the package "eventsource-parser": npm install --save-dev eventsource-parser',
    );
    error.cause = cause;
    throw error;
  }
}
