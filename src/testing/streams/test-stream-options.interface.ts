import type { TestRequest } from './test-response.js';

/** Options of `openTestStream`. */
export interface TestStreamOptions {
  /** Default: `'GET'`, and with a body `'POST'`. */
  readonly method?: string;
  /** Headers of the request, such as a cookie. Default: `Accept: text/event-stream`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, or a value that is sent as JSON. Default: none. */
  readonly body?: unknown;
  /** The `Last-Event-ID`, to resume an earlier stream. Default: none. */
  readonly lastEventId?: string;
  /** Longest wait for the answer, and of each wait on the stream, in milliseconds of the real clock. Default: 5,000. */
  readonly timeoutMs?: number;
  /**
   * `true` waits for the first event, `sse:ready`: what is published from then on is received. `false` settles at the head of
   * the response: for a stream without rooms, or with `readyEvent: false`. Default: `true`.
   */
  readonly ready?: boolean;
  /** Bytes of the body after which the connection is cut, also within an event. Default: never. */
  readonly cutAtByte?: number;
  /**
   * The authorities, in PEM, that may have signed the certificate of an `https:` server, such as a self-signed certificate itself.
   * Another certificate is a `TestStreamError`. Default: any certificate is accepted.
   */
  readonly ca?: string | readonly string[];
  /**
   * `true` sends the request over HTTP/2, over TLS or in clear text. Default: `false` for a URL; for an application that of its
   * server.
   */
  readonly http2?: boolean;
}

/** Options of one wait. */
export interface TestWaitOptions {
  /** Longest wait in milliseconds of the real clock, also under fake timers. Default: that of the stream. */
  readonly timeoutMs?: number;
}

/** Options of `TestStream.reconnect`. */
export interface TestReconnectOptions {
  /** The `Last-Event-ID`; `false` sends none, as a new client. Default: the last id that has arrived. */
  readonly lastEventId?: string | false;
  /** Bytes of the new body after which its connection is cut. Default: never. */
  readonly cutAtByte?: number;
}

/** How a stream is opened, as `openTestStream` has resolved it. */
export interface Opening extends TestRequest {
  readonly timeoutMs: number;
  readonly ready: boolean;
  /** Called when the stream is closed for good. */
  readonly onDispose: () => Promise<void>;
}
