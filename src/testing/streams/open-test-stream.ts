import type { INestApplication } from '@nestjs/common';
import type { Server } from 'node:net';
import { addressOf, stopListening } from './test-server.js';
import { TestStream } from './test-stream.js';
import type { TestStreamOptions } from './test-stream-options.interface.js';
import { TestStreamError } from './test-stream-error.js';

const DEFAULT_TIMEOUT_MS = 5_000;

/** The streams that are open, each with the server that listens for it alone. */
const open = new Map<TestStream, Server | undefined>();

/**
 * Opens a stream of an application, on Express or Fastify, or of a URL. An application that does not listen is initialized and
 * made to listen on a free port of 127.0.0.1 until `closeTestStreams`: `inject()` of Fastify settles at the end of a response,
 * so it never returns an open stream. Needs the package `eventsource-parser`.
 *
 * ```ts
 * await using stream = await openTestStream(app, '/orders/7/events');
 * await app.get(Payments).paid(7);
 * expect((await stream.next('paid')).data).toEqual({ id: 7 });
 * ```
 *
 * @returns settles when `sse:ready` has arrived
 * @throws TestStreamError for an answer that is no stream, with its `status` and `body`; after `timeoutMs`
 */
export function openTestStream(
  app: INestApplication,
  path: string,
  options?: TestStreamOptions,
): Promise<TestStream>;
/**
 * Opens a stream of a server that listens, by HTTP/1, or by HTTP/2 with `http2: true`. `url` is absolute. A server with a self-signed
 * certificate is accepted; `ca` checks it.
 */
export function openTestStream(url: string | URL, options?: TestStreamOptions): Promise<TestStream>;
export async function openTestStream(
  target: INestApplication | string | URL,
  ...rest: readonly (string | TestStreamOptions | undefined)[]
): Promise<TestStream> {
  const isUrl = typeof target === 'string' || target instanceof URL;
  const path = rest.find((each) => typeof each === 'string') ?? '';
  const options = rest.find((each) => typeof each === 'object') ?? {};
  const address = isUrl ? { url: target, http2: false, opened: undefined } : await addressOf(target);
  const url = new URL(path, address.url);
  const { body, headers, timeoutMs = DEFAULT_TIMEOUT_MS, ready = true, cutAtByte } = options;
  const stream: TestStream = new TestStream({
    onDispose: () => dispose(stream),
    url: url.href,
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { accept: 'text/event-stream', ...typeOf(body), ...headers },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    timeoutMs,
    ready,
    ca: options.ca,
    http2: options.http2 ?? address.http2,
  });
  open.set(stream, address.opened);
  try {
    await stream.connect(options.lastEventId, cutAtByte);
    return stream;
  } catch (error) {
    await dispose(stream);
    throw error instanceof TestStreamError ? error : unreachable(url, error);
  }
}

/**
 * Closes every stream that `openTestStream` has opened, and the servers that it has made to listen. The applications stay
 * usable: close them as usual, afterwards. Settles when all are closed.
 *
 * ```ts
 * afterEach(closeTestStreams);
 * ```
 */
export async function closeTestStreams(): Promise<void> {
  const streams = [...open.keys()];
  open.clear();
  await Promise.all(streams.map((stream) => stream.close()));
  await stopListening();
}

async function dispose(stream: TestStream): Promise<void> {
  const server = open.get(stream);
  open.delete(stream);
  if (server !== undefined && ![...open.values()].includes(server)) await stopListening([server]);
}

function typeOf(body: unknown): Record<string, string> {
  return typeof body === 'object' ? { 'content-type': 'application/json' } : {};
}

function unreachable(url: URL, cause: unknown): TestStreamError {
  const error = new TestStreamError(`${url.href} cannot be reached: ${String(cause)}`);
  error.cause = cause;
  return error;
}
