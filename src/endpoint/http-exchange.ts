import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { SseError } from '../protocol/sse-error.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { acceptsGzip } from '../connection/compression/accepts-gzip.js';
import { GzipCoder } from '../connection/compression/gzip-coder.js';
import type { GzipPieces } from '../connection/compression/gzip-pieces.js';
import type { RawRequest, RawResponse } from '../connection/response/raw-response.js';
import { claimConnection } from '../connection/response/pipelining.js';
import { ResponseWriter } from '../connection/response/response-writer.js';
import { isFastifyReply, runSendHooks, type FastifyReplyLike } from './response/fastify-reply.js';
import { OpeningSession } from './response/opening-session.js';

/** The outcomes of preparing the head of a stream. One of them is called, once. */
export interface HeadOutcomes {
  /** The head may be sent. Called at once where nothing has to be waited for. */
  readonly onHead: () => void;
  /** A hook of Fastify has answered the request instead. */
  readonly onAnswered: () => void;
  /** The session of the request could not be stored. */
  readonly onFailure: (error: unknown) => void;
}

/** Time for a client to read an answer of a few bytes, in milliseconds. */
const ANSWER_GRACE_MS = 1_000;

/** Node's request and response, unwrapped from those of Express or Fastify. */
export class HttpExchange {
  readonly request: RawRequest;
  readonly response: RawResponse;
  readonly #reply: FastifyReplyLike | undefined;
  #session: OpeningSession | undefined;
  /** `true` if the content coding depends on the request. */
  #isNegotiated = false;
  /** Called when the hooks of Fastify have run; `undefined` while they do not run. */
  #onHead: (() => void) | undefined;

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

  /** As in `claimConnection`. */
  claimConnection(): boolean {
    return claimConnection(this.request, this.response);
  }

  /** @param gzip pieces for a response that is compressed if the client accepts it; without them none is */
  createWriter(gzip?: GzipPieces): ResponseWriter {
    this.#isNegotiated = gzip !== undefined;
    const isAccepted = gzip !== undefined && acceptsGzip(this.request.headers['accept-encoding']);
    const coder = isAccepted ? new GzipCoder(gzip) : undefined;
    return new ResponseWriter(this.request, this.response, coder);
  }

  /** Headers set so far. Fastify stores those of plugins on its reply and those of middleware on the response. */
  headers(): Record<string, unknown> {
    const headers = { ...this.response.getHeaders(), ...this.#reply?.getHeaders() };
    // RFC 9110, 12.5.5: caches keep the compressed and the plain response apart.
    if (this.#isNegotiated) headers['vary'] = [headers['vary'] ?? [], 'Accept-Encoding'].flat().join(', ');
    return headers;
  }

  /** Remembers the session of the request, so that `prepareHead` stores it if it has changed until then. */
  watchSession(): void {
    // The session of a Fastify plugin is stored by its `onSend` hook.
    if (this.#reply === undefined && 'session' in this.request)
      this.#session = new OpeningSession(this.request);
  }

  /** Runs the hooks of Fastify, which set headers, or stores the changed session on Express, before the head is sent. */
  prepareHead({ onHead, onAnswered, onFailure }: HeadOutcomes): void {
    if (this.#reply !== undefined) {
      this.#onHead = onHead;
      const onTurn = (): void => {
        const then = this.#onHead;
        this.#onHead = undefined;
        then?.();
      };
      return runSendHooks(this.#reply, onTurn, onAnswered);
    }
    const saved = this.#session?.save();
    this.#session = undefined;
    if (saved === undefined) onHead();
    else saved.then(onHead, onFailure);
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
    return this.queryParameter('lastEventId');
  }

  /** Text of a parameter of the query, the first one of that name. */
  queryParameter(name: string): string | undefined {
    const query = this.#query;
    return query.includes(`${name}=`) ? (new URLSearchParams(query).get(name) ?? undefined) : undefined;
  }

  /** Values of a query parameter. */
  queryValues(name: string): string[] {
    const query = this.#query;
    return query.includes(`${name}=`) ? new URLSearchParams(query).getAll(name) : [];
  }

  /** A value may have question marks of its own (RFC 3986, 3.4). */
  get #query(): string {
    const { url = '' } = this.request;
    const mark = url.indexOf('?');
    return mark < 0 ? '' : url.slice(mark + 1);
  }

  /** Path of the request as its client has sent it, before a framework shortens or rewrites it. */
  get clientPath(): string {
    const { originalUrl = this.request.url } = this.request as { originalUrl?: string | undefined };
    return (originalUrl ?? '').replace(/[?#].*$/s, '');
  }

  /** Adds a `Set-Cookie` header to whatever is answered. */
  addCookie(cookie: string): void {
    if (this.#reply === undefined) (this.response as ServerResponse).appendHeader('set-cookie', cookie);
    else this.#reply.header('set-cookie', cookie);
  }

  /** Discards an unread request body: while it waits, Node does not notice that the client disconnects. */
  drainUnreadBody(): void {
    if (this.request.readableFlowing === null && !this.request.complete) this.request.resume();
  }

  /**
   * Answers a HEAD request with the headers of the stream (RFC 9110, section 9.3.2).
   *
   * @param done called when the request is answered
   */
  answerHead(done: () => void): void {
    const onHead = (): void => {
      this.#answer('', false);
      done();
    };
    this.prepareHead({ onHead, onAnswered: done, onFailure: done });
  }

  /**
   * Answers with a stream that ends at once, so that a native `EventSource` reconnects. Any status but 200 would close
   * it for good (HTML standard, 9.2.3). Waits for hooks of Fastify that run already, and begins none.
   *
   * @param retryMs reconnection time in milliseconds; `false` sends none
   * @param done called when the request is answered
   */
  answerReconnect(retryMs: number | false, done: () => void): void {
    const answer = (): void => {
      // The blank line is for clients that apply `retry` only at the end of a block.
      this.#answer(retryMs === false ? '' : `${encodeEvent({ retry: retryMs })}\n`, true);
      done();
    };
    if (this.#onHead === undefined) answer();
    else this.#onHead = answer;
  }

  /**
   * True if the client wants a status where its stream is refused. A native `EventSource` asks for `text/event-stream` and
   * never reconnects after a status, so it is answered with a stream that ends.
   */
  prefersStatus(): boolean {
    const { accept = '', 'sse-refusal': refusal } = this.request.headers;
    return refusal === 'status' || !/^\s*text\/event-stream\b/i.test(accept);
  }

  /** Answers with a status, in the form of Nest's exception filter, and tells when to come back, if it is known. */
  answerStatus(status: number, message: string, retryAfterMs?: number): void {
    this.detachFromFramework();
    if (this.createWriter().isGone) return;
    const body = JSON.stringify({ statusCode: status, message });
    const headers = {
      ...this.headers(),
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
    };
    (this.response as ServerResponse).writeHead(status, headers as OutgoingHttpHeaders).end(body);
  }

  /** Answers with status 204, after which a native `EventSource` stops for good (HTML standard, 9.2.3). */
  answerNoContent(): void {
    this.detachFromFramework();
    if (this.createWriter().isGone) return;
    const headers = { ...this.headers(), 'cache-control': 'no-store' };
    (this.response as ServerResponse).writeHead(204, headers as OutgoingHttpHeaders).end();
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
