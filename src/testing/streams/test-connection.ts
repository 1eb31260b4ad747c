import * as http from 'node:http';
import * as https from 'node:https';
import { parseData } from '../../protocol/parse-data.js';
import type { TestEvent } from './test-event.js';
import { TestStreamError } from './test-stream-error.js';

/** The end of a response: `'ended'` by the server, `'cut'` before its end or at a byte, or `'closed'` by the test. */
export type TestStreamEnd = 'ended' | 'cut' | 'closed';

/** One request of a test. */
export interface TestRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Bytes of the body after which the connection is cut. */
  readonly cutAtByte: number | undefined;
}

/** Receives what a response contains. */
export interface ConnectionListener {
  onEvent(event: TestEvent): void;
  onText(text: string): void;
  onComment(comment: string): void;
  onEnd(end: TestStreamEnd): void;
}

/** One response that is being read, over a connection of its own. */
export class TestConnection {
  readonly #request: http.ClientRequest;
  readonly #response: http.IncomingMessage;
  #bytes = 0;
  #cutAtByte: number;
  #end: TestStreamEnd | undefined;

  private constructor(request: http.ClientRequest, response: http.IncomingMessage, cutAtByte = Infinity) {
    this.#request = request;
    this.#response = response;
    this.#cutAtByte = cutAtByte;
  }

  get status(): number {
    return this.#response.statusCode ?? 0;
  }

  get headers(): Readonly<Record<string, string | readonly string[] | undefined>> {
    return this.#response.headers;
  }

  /**
   * Sends a request. Settles at the head of the response.
   *
   * @param signal cancels the request
   * @throws an error of the network
   */
  static async open(
    { url, method, headers, body, cutAtByte }: TestRequest,
    signal: AbortSignal,
  ): Promise<TestConnection> {
    // A certificate of a test is rarely signed by an authority.
    const options = { method, headers, agent: false, rejectUnauthorized: false, signal };
    const { request: send } = url.startsWith('https:') ? https : http;
    const request = send(url, options);
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject).end(body);
    });
    request.on('error', ignore);
    response.on('error', ignore);
    return new TestConnection(request, response, cutAtByte);
  }

  /** Returns the whole body of an answer that is no stream. */
  async text(): Promise<string> {
    let text = '';
    for await (const chunk of this.#response.setEncoding('utf8')) text += String(chunk);
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
    this.#response.on('data', (chunk: Buffer) => {
      if (this.#end !== undefined) return;
      const bytes = chunk.subarray(0, this.#cutAtByte - this.#bytes);
      this.#bytes += bytes.length;
      const text = decoder.decode(bytes, { stream: true });
      listener.onText(text);
      parser.feed(text);
      if (this.#bytes >= this.#cutAtByte) this.close('cut');
    });
    this.#response.once('close', () => {
      this.#end ??= this.#response.complete ? 'ended' : 'cut';
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
    this.#request.destroy();
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

function ignore(): void {}
