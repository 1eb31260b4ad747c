import { Readable } from 'node:stream';
import type { RawResponse } from '../../connection/response/raw-response.js';
import { STREAM_HEADERS } from '../../protocol/stream-headers.js';

/** Fastify's wrapper around Node's response. Express and Node pass the response itself. */
export interface FastifyReplyLike {
  readonly raw: RawResponse;
  readonly request: { readonly method: string };
  hijack(): unknown;
  header(name: string, value: unknown): unknown;
  removeHeader(name: string): unknown;
  getHeaders(): Record<string, unknown>;
  send(payload: unknown): unknown;
}

export function isFastifyReply(response: unknown): response is FastifyReplyLike {
  const reply = response as Partial<FastifyReplyLike> | undefined;
  return typeof reply?.hijack === 'function' && typeof reply.raw === 'object';
}

/**
 * The property of Fastify's request that holds its route, which Fastify does not publish. Found at the first request;
 * `null` where this version of Fastify has none.
 */
let routeProperty: symbol | null | undefined;

/** Returns `false` only for a route that certainly has no `onSend` hook: `null` in the route as Fastify stores it. */
function hasSendHooks({ request }: FastifyReplyLike): boolean {
  routeProperty ??=
    Object.getOwnPropertySymbols(request).find(({ description }) => description === 'fastify.context') ??
    null;
  if (routeProperty === null) return true;
  return (request as { [route: symbol]: { onSend?: unknown } | undefined })[routeProperty]?.onSend !== null;
}

/**
 * Runs the `onSend` hooks of Fastify, which set headers such as cookies, and takes the response over when the head is due.
 * Fastify itself answers the request where a hook fails or replaces the stream by a text, and for HEAD.
 *
 * @param onHead called once all hooks have run, within this call if they are synchronous
 * @param onAnswered called if Fastify has answered the request instead
 */
export function runSendHooks(reply: FastifyReplyLike, onHead: () => void, onAnswered: () => void): void {
  const { raw } = reply;
  if (!hasSendHooks(reply)) {
    // Sending a payload through Fastify costs as much as the rest of a connect, for hooks that are not there.
    reply.hijack();
    onHead();
    return;
  }
  const takeOver = (): void => {
    raw.off('finish', onAnswered);
    raw.off('pipe', onWrapped);
    reply.hijack();
    onHead();
  };
  const payload = new StreamPayload(reply, takeOver);
  // A compressing hook that ignores the content type has wrapped the payload. The end of the payload ends its stream.
  const onWrapped = (wrapper: Readable): void => {
    wrapper.unpipe(raw);
    payload.push(null);
    payload.restoreHeaders();
    takeOver();
  };
  raw.once('finish', onAnswered);
  raw.once('pipe', onWrapped);
  // Nest has set the status of the method, such as 201 for POST. With 204 Fastify would send no stream.
  raw.statusCode = 200;
  // Hooks recognize a stream by its type.
  const present = reply.getHeaders();
  for (const [name, value] of Object.entries(STREAM_HEADERS)) {
    if (name === 'content-type' || present[name] === undefined) reply.header(name, value);
  }
  reply.send(payload);
}

/**
 * The payload that hooks receive for a stream. It has no data: the events are written to the response itself.
 *
 * Fastify would copy its headers to the response one by one, and listen to it for the life of the payload: half a kilobyte
 * for each open stream. So the headers are put aside before, and the listeners are removed.
 */
class StreamPayload extends Readable {
  readonly #reply: FastifyReplyLike;
  readonly #takeOver: () => void;
  /** Listeners of the response for each event, before Fastify added its own. */
  #counts = new Map<string | symbol, number>();
  #headers: Record<string, unknown> = {};

  constructor(reply: FastifyReplyLike, takeOver: () => void) {
    super({ read: () => {} });
    this.#reply = reply;
    this.#takeOver = takeOver;
    // Once all hooks have run, Fastify listens to the payload, copies headers, listens to the response, and calls `pipe`.
    if (reply.request.method !== 'HEAD') this.on('newListener', () => this.#putAside());
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    const { raw } = this.#reply;
    if ((destination as unknown) !== raw) return super.pipe(destination, options);
    for (const name of raw.eventNames()) {
      const added = raw.listeners(name).slice(this.#counts.get(name) ?? 0);
      for (const listener of added) raw.off(name, listener as () => void);
    }
    this.restoreHeaders();
    this.#takeOver();
    return destination;
  }

  /** Headers of later hooks have precedence; cookies add up. */
  restoreHeaders(): void {
    const present = this.#reply.getHeaders();
    for (const [name, value] of Object.entries(this.#headers)) {
      if (name === 'set-cookie' || present[name] === undefined) this.#reply.header(name, value);
    }
    this.#headers = {};
  }

  #putAside(): void {
    const { raw } = this.#reply;
    this.#counts = new Map(raw.eventNames().map((name) => [name, raw.listenerCount(name)]));
    if (Object.keys(this.#reply.getHeaders()).length === 0) return;
    this.restoreHeaders();
    this.#headers = this.#reply.getHeaders();
    // The last one first: otherwise the object that holds them becomes a dictionary, 300 bytes larger.
    for (const name of Object.keys(this.#headers).toReversed()) this.#reply.removeHeader(name);
  }
}
