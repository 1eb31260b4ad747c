import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { Readable } from 'node:stream';

/** One request of a test. */
export interface TestRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The authorities that may have signed the certificate; `undefined` accepts any certificate. */
  readonly ca: string | readonly string[] | undefined;
  /** `true` for HTTP/2, over TLS or in clear text. */
  readonly http2: boolean;
}

/** A response with its body still to be read, over a connection of its own. */
export interface TestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Readable;
  /** Returns `true` if the server has ended the body; called when the body is closed. */
  isComplete(): boolean;
  /** Cuts the connection. */
  destroy(): void;
}

/**
 * Sends a request. Settles at the head of the response.
 *
 * @param signal cancels the request
 * @throws an error of the network
 */
export function requestOf(request: TestRequest, signal: AbortSignal): Promise<TestResponse> {
  return request.http2 ? requestOverHttp2(request, signal) : requestOverHttp1(request, signal);
}

async function requestOverHttp1(request: TestRequest, signal: AbortSignal): Promise<TestResponse> {
  const { url, method, headers, body } = request;
  const { request: send } = url.startsWith('https:') ? https : http;
  const sent = send(url, { ...tlsOf(request), method, headers, agent: false, signal });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject).end(body);
  });
  sent.on('error', ignore);
  response.on('error', ignore);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: response,
    isComplete: () => response.complete,
    destroy: () => {
      response.destroy();
      sent.destroy();
    },
  };
}

async function requestOverHttp2(request: TestRequest, signal: AbortSignal): Promise<TestResponse> {
  const { method, headers, body } = request;
  const { origin, pathname, search } = new URL(request.url);
  const session = http2.connect(origin, tlsOf(request));
  signal.addEventListener('abort', () => session.destroy(), { once: true });
  // Parsers of the Express kind read no body without its length.
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const pseudo = { ':method': method, ':path': pathname + search };
  const stream = session.request({ ...headers, ...length, ...pseudo }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const head = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
    const onClose = (): void => reject(new Error('the connection was closed without an answer'));
    session.once('error', reject).once('close', onClose);
    stream.once('response', resolve).once('error', reject);
  });
  session.on('error', ignore);
  stream.on('error', ignore).once('close', () => session.destroy());
  const { ':status': status = 0, ...rest } = head;
  return {
    status: Number(status),
    headers: rest,
    body: stream,
    isComplete: () =>
      stream.readableEnded && !stream.aborted && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR,
    destroy: () => {
      stream.close(http2.constants.NGHTTP2_CANCEL);
      session.destroy();
    },
  };
}

function tlsOf({ ca }: TestRequest): { ca?: string[]; rejectUnauthorized: boolean } {
  if (ca === undefined) return { rejectUnauthorized: false };
  return { ca: typeof ca === 'string' ? [ca] : [...ca], rejectUnauthorized: true };
}

function ignore(): void {}
