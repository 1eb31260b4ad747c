import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import type { Ending } from './event-stream.js';
import type { Readable } from 'node:stream';

export interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A response head with its body still to be read, over HTTP/1.1 or HTTP/2. */
export interface RawResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
  ended: Promise<Ending>;
  close(): void;
}

/** Requests over a connection of its own that, like a browser's, stays open afterwards. */
export async function requestOverHttp1(url: string, options: RequestOptions): Promise<RawResponse> {
  const agent = new Agent({ keepAlive: true });
  const sent = request(url, { method: options.method ?? 'GET', headers: withAccept(options), agent });
  sent.end(options.body);
  const response = await responseOf(sent);
  const close = (): void => {
    response.close();
    agent.destroy();
  };
  return { ...response, close };
}

/** Resolves at the head of the response to a request of Node's HTTP client. */
export async function responseOf(sent: ClientRequest): Promise<RawResponse> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
  sent.on('error', ignore);
  response.on('error', ignore);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: response,
    ended: new Promise((resolve) => {
      response.once('close', () => resolve(response.complete ? 'whole' : 'cut'));
    }),
    close: () => void sent.destroy(),
  };
}

export async function requestOverHttp2(
  session: ClientHttp2Session,
  url: string,
  options: RequestOptions,
): Promise<RawResponse> {
  const { pathname, search } = new URL(url);
  const { body, method = 'GET' } = options;
  const stream = session.request(
    {
      ':method': method,
      ':path': pathname + search,
      // Parsers of the Express kind read no body without its length.
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      ...withAccept(options),
    },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  const closed = new Promise<Ending>((resolve) => {
    stream.once('close', () =>
      resolve(stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR ? 'cut' : 'whole'),
    );
  });
  const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.once('response', resolve).once('error', reject);
  });
  stream.on('error', ignore);
  return {
    status: Number(headers[':status']),
    headers,
    body: stream,
    ended: closed,
    close: () => stream.close(constants.NGHTTP2_CANCEL),
  };
}

function withAccept(options: RequestOptions): Record<string, string> {
  return { accept: 'text/event-stream', ...options.headers };
}

function ignore(): void {}
