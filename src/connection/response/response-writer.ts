import { constants } from 'node:http2';
import { Socket } from 'node:net';
import type { SseFrame } from '../../protocol/sse-frame.js';
import type { Batch } from '../queue/batch.js';
import {
  attachCloseListener,
  detachCloseListener,
  notifyOfEnd,
  type CloseListener,
} from './close-listener.js';
import type { ContentCoder } from './content-coder.interface.js';
import { cutAfter } from './cut-after.js';
import { socketOf, type Http2Sessions } from './http2-sessions.js';
import {
  directSocket,
  isDisconnected,
  isHttp1,
  sendHead,
  writeThrough,
  type RawRequest,
  type RawResponse,
} from './raw-response.js';

/** Most bytes for one write. Large batches are written in slices, so that a slow reader shows progress. */
const SLICE_BYTES = 65_536;

/** Shared by the writers of all clients that keep up: an array of its own would cost each of them 32 bytes. */
const NOTHING: Buffer[] = [];

/**
 * Writes to one response. No other class calls its `write`, so the rest of the module is independent of HTTP/1 or HTTP/2,
 * Express or Fastify, and compression.
 */
export class ResponseWriter {
  readonly #response: RawResponse;
  /** TCP connection of an HTTP/1 response; `undefined` for HTTP/2, and for requests injected by a test. */
  readonly #connection: Socket | undefined;
  /** Set before the opening. `undefined` writes events as they are. */
  coder: ContentCoder | undefined;
  /** Set once an HTTP/2 stream is open. */
  #sessions: Http2Sessions | undefined;
  /** Set once chunks may be written directly to the socket. */
  #direct: Socket | undefined;
  /** `true` if the response has ended after bytes were written directly to the socket. */
  #hasEnded = false;
  /** Bytes to be written when the socket has drained. */
  #slices = NOTHING;
  #onDrain: (() => void) | undefined;
  #drained: (() => void) | undefined;
  /** Sources of `drain`, each listened to once for all stalls: `off` of a compressing middleware may not work. */
  #drainSources: readonly (Socket | RawResponse)[] | undefined;

  constructor(request: RawRequest, response: RawResponse, coder?: ContentCoder) {
    this.#response = response;
    this.coder = coder;
    const { socket } = request;
    this.#connection = isHttp1(response) && socket instanceof Socket ? socket : undefined;
  }

  /** `true` if nothing more can be sent to the client. */
  get isGone(): boolean {
    return this.isDisconnected || this.#response.writableEnded;
  }

  /** `true` if the connection is closed, and not only the stream ended. */
  get isDisconnected(): boolean {
    return isDisconnected(this.#response, this.#connection);
  }

  /** The TCP connection below the stream, if it is open. */
  get connection(): Socket | undefined {
    const session = isHttp1(this.#response) ? undefined : this.#response.stream?.session;
    return session === undefined ? this.#connection : socketOf(session);
  }

  /** Called once the response has ended, by this module or by the application. */
  responseEnded(): void {
    this.#hasEnded = true;
  }

  /** Sends status 200, the headers and the first frame at once, over HTTP/1 in one system call. @returns as `write` */
  open(present: Readonly<Record<string, unknown>>, sessions?: Http2Sessions, first?: SseFrame): boolean {
    this.#connection?.setTimeout(0).setNoDelay(true).setKeepAlive(true).cork();
    try {
      sendHead(this.#response, present, this.coder?.coding);
      if (!isHttp1(this.#response)) (this.#sessions = sessions)?.add(this.#response.stream?.session);
      return first === undefined || this.write(first);
    } finally {
      this.#connection?.uncork();
    }
  }

  /** @returns `true` if the client takes more; after `false` wait for `onceDrained` */
  write(source: Batch | SseFrame): boolean {
    const socket = this.#directSocket();
    const bytes = this.#framed(source, socket);
    if (bytes.length <= SLICE_BYTES && this.#slices.length === 0) {
      const takesMore = this.#writeNow(socket, bytes);
      this.#flush();
      return takesMore;
    }
    this.#slices = [...this.#slices, bytes];
    return this.#writeSlice();
  }

  /** Writes frames without joining them: one system call, no copy. @returns as `write` */
  writeFrames(frames: readonly SseFrame[]): boolean {
    const socket = this.#directSocket();
    this.#slices = this.#slices.concat(frames.map((frame) => this.#framed(frame, socket)));
    return this.#writeSlice();
  }

  /**
   * Writes waiting bytes as long as the operating system takes them at once.
   *
   * @returns `true` if it took all of them. The event `drain` has not been emitted yet
   */
  writeAtOnce(): boolean {
    while (this.#direct?.writableLength === 0) {
      if (this.#slices.length === 0) return true;
      this.#writeSlice();
    }
    return false;
  }

  /** Writes all waiting bytes even if the socket is full: the stream is about to end. */
  writeRest(): void {
    // Before the bytes are removed: they are framed for this target.
    const socket = this.#directSocket();
    for (const bytes of this.#slices.splice(0)) this.#writeNow(socket, bytes);
  }

  /**
   * Calls `listener` when the client takes more.
   *
   * @param progressed called each time the client has taken a part
   */
  onceDrained(listener: () => void, progressed: () => void = () => {}): void {
    const source = this.#direct ?? this.#response;
    this.#drained ??= () => this.#onDrain?.();
    if (this.#drainSources?.includes(source) !== true) {
      this.#drainSources = [...(this.#drainSources ?? []), source];
      source.on('drain', this.#drained);
    }
    this.#onDrain = () => {
      progressed();
      if (!this.#writeSlice()) return;
      this.#onDrain = () => {};
      listener();
    };
  }

  /** Closes `listener` as `client-gone` when the response can no longer be written; possibly more than once. */
  attachCloseListener(listener: CloseListener): void {
    attachCloseListener(this.#response, this.#connection, listener);
  }

  /** Removes all listeners: a kept-alive socket carries other responses after this one. */
  detachListeners(): void {
    detachCloseListener(this.#response);
    if (this.#drained !== undefined) this.#direct?.off('drain', this.#drained);
  }

  /** Resolves when the connection is closed. */
  closed(): Promise<void> {
    const closing = this.#connection ?? this.#response;
    return this.isDisconnected
      ? Promise.resolve()
      : new Promise((resolve) => closing.once('close', () => resolve()));
  }

  /**
   * Ends the stream. A client that reads still receives written bytes; after `graceMs` milliseconds it is cut.
   *
   * @param graceMs `false` never cuts it
   * @param closesConnection also ends an HTTP/1 connection, which would delay the close of a server if kept alive
   */
  end(graceMs: number | false, closesConnection: boolean): void {
    if (this.isGone) return;
    this.writeRest();
    const last = this.coder?.end();
    if (last !== undefined) this.#writeNow(this.#direct, this.#direct ? last.chunked : last.bytes);
    this.#response.end();
    // Only after `finish`, since a compressing middleware may still hold bytes. And without destroying the connection:
    // with an unread request body, the client would receive a reset and lose unread bytes.
    if (closesConnection) this.#response.once('finish', () => this.#connection?.end());
    if (graceMs === false || this.isDisconnected) return;
    const ended = { response: this.#response, connection: this.#connection, closesConnection };
    cutAfter(graceMs, ended, () => this.destroy());
  }

  /** Cuts the connection, or the HTTP/2 stream, at once. */
  destroy(): void {
    if (isHttp1(this.#response)) (this.#connection ?? this.#response).destroy();
    else if (this.#sessions === undefined) this.#response.stream?.close(constants.NGHTTP2_CANCEL);
    else if (this.#response.stream !== undefined) this.#sessions.cancel(this.#response.stream);
  }

  /**
   * The socket for direct writes, or `undefined` to write through the response. Does not change while slices wait, which
   * are framed for one of the two.
   */
  #directSocket(): Socket | undefined {
    if (this.#direct === undefined && this.#slices.length === 0) {
      this.#direct = directSocket(this.#response);
      if (this.#direct !== undefined) notifyOfEnd(this.#response);
    }
    return this.#direct;
  }

  #framed(source: Batch | SseFrame, socket: Socket | undefined): Buffer {
    const encoded = this.coder?.encode(source) ?? source;
    return socket === undefined ? encoded.bytes : encoded.chunked;
  }

  /** Writes up to `SLICE_BYTES` of the waiting bytes in one system call. @returns as `write`; `false` if some are left */
  #writeSlice(): boolean {
    const socket = this.#directSocket();
    const target = socket ?? this.#response;
    let freeBytes = SLICE_BYTES;
    let takesMore = true;
    target.cork();
    while (freeBytes > 0) {
      const bytes = this.#slices.shift();
      if (bytes === undefined) break;
      const fits = bytes.length <= freeBytes;
      if (!fits) this.#slices.unshift(bytes.subarray(freeBytes));
      takesMore = this.#writeNow(socket, fits ? bytes : bytes.subarray(0, freeBytes));
      freeBytes -= bytes.length;
    }
    target.uncork();
    this.#flush();
    if (this.#slices.length === 0) return takesMore;
    // A socket that took the slice at once emits no `drain`.
    if (takesMore) setImmediate(() => this.#onDrain?.());
    return false;
  }

  #writeNow(socket: Socket | undefined, bytes: Buffer): boolean {
    // Nothing may follow the last chunk if the application has ended the response itself.
    if (socket !== undefined) return this.#hasEnded || socket.write(bytes);
    return this.isGone || writeThrough(this.#response, bytes);
  }

  /** Calls a method of compressing middleware that sends bytes held back by its encoder. */
  #flush(): void {
    if (this.#direct === undefined) (this.#response as { flush?: () => void }).flush?.();
  }
}
