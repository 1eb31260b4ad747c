import type { ServerResponse } from 'node:http';
import { SseError } from '../protocol/sse-error.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { SseFrame } from '../protocol/sse-frame.js';
import type { RawRequest, RawResponse } from '../connection/response/raw-response.js';
import { ResponseWriter } from '../connection/response/response-writer.js';

/** Fastify's wrapper around Node's response. Express and Node pass the response itself. */
interface FastifyReplyLike {
  readonly raw: RawResponse;
  hijack(): unknown;
  getHeaders(): Record<string, unknown>;
}

/** Time for a client to read an answer of a few bytes, in milliseconds. */
const ANSWER_GRACE_MS = 1_000;

/** Node's request and response, unwrapped from those of Express or Fastify. */
export class HttpExchange {
  readonly request: RawRequest;
  readonly response: RawResponse;
  readonly #reply: FastifyReplyLike | undefined;

  /** @throws SseError `unsupported-response` */
  constructor(request: unknown, response: unknown) {
    this.#reply = isFastifyReply(response) ? response : undefined;
    this.request = ((request as { raw?: RawRequest } | undefined)?.raw ?? request) as RawRequest;
    this.response = this.#reply?.raw ?? (response as RawResponse);
    if (
      typeof (this.response as Partial<ServerResponse> | undefined)?.flushHeaders !== 'function' ||
      typeof this.request?.method !== 'string'
    ) {
      throw new SseError(
        'unsupported-response',
        'A stream needs the request and response of Node, Express or Fastify: pass the pair that the handler received.',
      );
    }
  }

  createWriter(): ResponseWriter {
    return new ResponseWriter(this.request, this.response);
  }

  /** Headers set so far. Fastify stores those of plugins on its reply and those of middleware on the response. */
  headers(): Record<string, unknown> {
    return { ...this.response.getHeaders(), ...this.#reply?.getHeaders() };
  }

  /** Detaches the response from its framework. Not before the stream opens, since exception filters need the reply. */
  detachFromFramework(): void {
    this.#reply?.hijack();
    // Express stores the rest of its route here, which a stream never calls: 300 bytes for each open stream.
    const routed = this.request as { next?: unknown };
    if (routed.next !== undefined) routed.next = undefined;
  }

  /** Path of the request, for logs: without the query, which may hold a ticket. */
  get path(): string {
    return (this.request.url ?? '').replace(/[?#].*$/s, '');
  }

  /** Text of the header `Last-Event-ID`, else of the query parameter `lastEventId`, which polyfills send. */
  lastEventId(): string | undefined {
    const header = this.request.headers['last-event-id'];
    if (header !== undefined) return String(header);
    const query = this.request.url?.split('?', 2)[1];
    return query?.includes('lastEventId=')
      ? (new URLSearchParams(query).get('lastEventId') ?? undefined)
      : undefined;
  }

  /** Discards an unread request body: while it waits, Node does not notice that the client disconnects. */
  drainUnreadBody(): void {
    if (this.request.readableFlowing === null && !this.request.complete) this.request.resume();
  }

  /** Answers a HEAD request with the headers of the stream (RFC 9110, section 9.3.2). */
  answerHead(): void {
    this.#answer('', false);
  }

  /**
   * Answers with a stream that ends at once, so that a native `EventSource` reconnects. Any status but 200 would close
   * it for good (HTML standard, 9.2.3).
   *
   * @param retryMs reconnection time in milliseconds; `false` sends none
   */
  answerReconnect(retryMs: number | false): void {
    // The blank line is for clients that apply `retry` only at the end of a block.
    this.#answer(retryMs === false ? '' : `${encodeEvent({ retry: retryMs })}\n`, true);
  }

  #answer(text: string, closesConnection: boolean): void {
    this.detachFromFramework();
    const writer = this.createWriter();
    if (writer.isGone) return;
    writer.open(this.headers());
    if (text !== '') writer.writeFrames([new SseFrame(text)]);
    writer.end(ANSWER_GRACE_MS, closesConnection);
  }
}

function isFastifyReply(response: unknown): response is FastifyReplyLike {
  const reply = response as Partial<FastifyReplyLike> | undefined;
  return typeof reply?.hijack === 'function' && typeof reply.raw === 'object';
}
