import type { ServerResponse } from 'node:http';
import { SseError } from '../protocol/sse-error.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { SseFrame } from '../protocol/sse-frame.js';
import type { RawRequest, RawResponse } from '../connection/response/raw-response.js';
import { ResponseWriter } from '../connection/response/response-writer.js';

/** What Fastify wraps around Node's response; Express and Node hand out the response itself. */
interface FastifyReplyLike {
  readonly raw: RawResponse;
  hijack(): unknown;
  getHeaders(): Record<string, unknown>;
}

/** How long a client may take for an answer of a few bytes. */
const ANSWER_GRACE_MS = 1_000;

/** A request and its response, whichever of Node, Express and Fastify they come from. */
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

  writer(): ResponseWriter {
    return new ResponseWriter(this.request, this.response);
  }

  /** The headers set so far. Fastify keeps those of plugins on its reply and those of middleware on the response. */
  headers(): Record<string, unknown> {
    return { ...this.response.getHeaders(), ...this.#reply?.getHeaders() };
  }

  /** Takes the response away from Fastify. Not before the stream opens: its exception filters need the reply. */
  takeOver(): void {
    this.#reply?.hijack();
    // Express keeps the rest of its route here, which no stream returns to: some 300 bytes for as long as it is open.
    const routed = this.request as { next?: unknown };
    if (routed.next !== undefined) routed.next = undefined;
  }

  /** The position the client asks to resume from: the header, else `?lastEventId=` as polyfills send it. */
  lastEventId(): string | undefined {
    const header = this.request.headers['last-event-id'];
    if (header !== undefined) return String(header);
    const query = this.request.url?.split('?', 2)[1];
    return query?.includes('lastEventId=')
      ? (new URLSearchParams(query).get('lastEventId') ?? undefined)
      : undefined;
  }

  /** Lets a body that nobody reads flow: while it waits, Node does not notice that the client goes away. */
  drainUnreadBody(): void {
    if (this.request.readableFlowing === null && !this.request.complete) this.request.resume();
  }

  /** Answers a HEAD request as the stream would be. */
  answerHead(): void {
    this.#answer('', false);
  }

  /**
   * Answers as a stream that ends at once: how a native `EventSource` is told to come back. Any status but 200 closes
   * it for good (HTML standard, 9.2.3).
   *
   * @param retryMs after how long; `false` leaves it to the client
   */
  sendAway(retryMs: number | false): void {
    // With the blank line: some clients take `retry` only when a block ends.
    this.#answer(retryMs === false ? '' : `${encodeEvent({ retry: retryMs })}\n`, true);
  }

  #answer(text: string, closesConnection: boolean): void {
    this.takeOver();
    const writer = this.writer();
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
