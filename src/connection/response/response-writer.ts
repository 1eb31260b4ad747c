import type { ServerResponse } from 'node:http';
import { constants, type Http2Session } from 'node:http2';
import { Socket } from 'node:net';
import type { SseFrame } from '../../protocol/sse-frame.js';
import type { Batch } from '../queue/batch.js';
import type { CloseReason } from '../close-reason.js';
import { directSocket, isHttp1, sendHead, type RawRequest, type RawResponse } from './raw-response.js';

interface CloseListener {
  close(reason: CloseReason): void;
}

/** Large writes go out in parts, so that a client that reads slowly but always shows that it does. */
const SLICE_BYTES = 65_536;

/** Who hears of the end of a response. A property and one listener for all, where each client would need a closure. */
const WATCHER = Symbol('nestjs-simple-sse:watcher');
type Watched = RawResponse & { [WATCHER]?: CloseListener | undefined };

function tellWatcher(this: RawResponse): void {
  (this as Watched)[WATCHER]?.close('client-gone');
}

/**
 * The only caller of a response's `write`. HTTP/1 or HTTP/2, Express or Fastify, compressed or not: what is above
 * does not know.
 */
export class ResponseWriter {
  readonly #response: RawResponse;
  /** The TCP connection of an HTTP/1 response; none in HTTP/2, and none where a test injects its requests. */
  readonly #connection: Socket | undefined;
  /** Set once pre-chunked bytes may go straight to the socket. */
  #direct: Socket | undefined;
  /** What is written when the socket has drained. */
  #slices: Buffer[] = [];
  #onDrain: (() => void) | undefined;
  #drained: (() => void) | undefined;
  /** What is listened to, once for all stalls: a middleware that passes `on` to its coder need not pass `off`. */
  #drainSources: readonly (Socket | RawResponse)[] = [];

  constructor(request: RawRequest, response: RawResponse) {
    this.#response = response;
    const { socket } = request;
    this.#connection = isHttp1(response) && socket instanceof Socket ? socket : undefined;
  }

  /** Whether the client can no longer be reached. */
  get isGone(): boolean {
    return this.isDisconnected || this.#response.writableEnded;
  }

  /** Whether the connection is closed, not only the stream ended. */
  get isDisconnected(): boolean {
    if (isHttp1(this.#response)) return this.#response.destroyed || (this.#connection?.destroyed ?? false);
    const { stream } = this.#response;
    return stream === undefined || stream.destroyed || stream.closed;
  }

  /** The HTTP/2 session that carries the stream. */
  get session(): Http2Session | undefined {
    return isHttp1(this.#response) ? undefined : this.#response.stream?.session;
  }

  /** Sends status 200 and the headers at once. */
  open(present: Readonly<Record<string, unknown>>): void {
    this.#connection?.setTimeout(0).setNoDelay(true).setKeepAlive(true);
    sendHead(this.#response, present);
  }

  /** @returns whether the client takes more; if not, wait for `onceDrained` */
  write(batch: Batch): boolean {
    const socket = this.#way();
    const bytes = socket === undefined ? batch.bytes : batch.chunked;
    if (bytes.length <= SLICE_BYTES && this.#slices.length === 0) {
      const takesMore = this.#writeNow(socket, bytes);
      this.#flush();
      return takesMore;
    }
    this.#slices.push(bytes);
    return this.#writeSlice();
  }

  /** Writes frames without joining them: one system call, no copy. @returns as `write` */
  writeFrames(frames: readonly SseFrame[]): boolean {
    const socket = this.#way();
    for (const frame of frames) this.#slices.push(socket === undefined ? frame.bytes : frame.chunked);
    return this.#writeSlice();
  }

  /**
   * Writes what waits as long as the operating system takes it at once.
   *
   * @returns whether it took all, though `drain` has not been told yet
   */
  writeAtOnce(): boolean {
    while (this.#direct?.writableLength === 0) {
      if (this.#slices.length === 0) return true;
      this.#writeSlice();
    }
    return false;
  }

  /** Writes all that waits for the socket to drain: the stream is about to end. */
  writeRest(): void {
    // The way they are framed for, before they are taken off.
    const socket = this.#way();
    for (const bytes of this.#slices.splice(0)) this.#writeNow(socket, bytes);
  }

  /**
   * Calls `listener` when the client takes more.
   *
   * @param progressed called each time it has taken a part
   */
  onceDrained(listener: () => void, progressed: () => void = () => {}): void {
    const source = this.#direct ?? this.#response;
    this.#drained ??= () => this.#onDrain?.();
    if (!this.#drainSources.includes(source)) {
      this.#drainSources = [...this.#drainSources, source];
      source.on('drain', this.#drained);
    }
    this.#onDrain = () => {
      progressed();
      if (!this.#writeSlice()) return;
      this.#onDrain = () => {};
      listener();
    };
  }

  /**
   * Closes the watcher as `client-gone` when the response can no longer be written; maybe more than once.
   *
   * Not at the request's `close`, which fires as soon as its body is read. The response to a pipelined request that is
   * not its turn yet has no socket, and would not hear of its end.
   */
  attachCloseListener(watcher: CloseListener): void {
    const response = this.#response as Watched;
    response[WATCHER] = watcher;
    response.on('close', tellWatcher);
    const connection = this.#connection;
    if (connection === undefined || response.socket !== null) return;
    const gone = (): void => tellWatcher.call(response);
    connection.once('close', gone);
    response.once('socket', () => connection.off('close', gone));
  }

  /** A socket that is kept alive carries other answers after this one: nothing of this one stays with it. */
  detachListeners(): void {
    (this.#response as Watched)[WATCHER] = undefined;
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
   * Ends the stream: what was written still reaches a client that reads, for `graceMs` at most.
   *
   * @param closesConnection on HTTP/1, also ends the connection: kept alive, it would hold up a server that closes
   */
  end(graceMs: number | false, closesConnection: boolean): void {
    if (this.isGone) return;
    this.writeRest();
    this.#response.end();
    // Not before all is handed over: a compressing middleware still has some of it. And not by destroying it: with part
    // of the request's body unread, the client would be sent a reset, and lose what it has not read.
    if (closesConnection) this.#response.once('finish', () => this.#connection?.end());
    if (graceMs !== false) this.#cutAfter(graceMs, closesConnection);
  }

  /** Cuts the connection. */
  destroy(): void {
    if (isHttp1(this.#response)) (this.#connection ?? this.#response).destroy();
    // A destroyed stream would leave `session.close()` hanging; a cancelled one does not.
    else this.#response.stream?.close(constants.NGHTTP2_CANCEL);
  }

  #cutAfter(graceMs: number, closesConnection: boolean): void {
    if (this.isDisconnected) return;
    const response = this.#response;
    // Behind an earlier answer of a pipelining client its time has not begun.
    if (
      isHttp1(response) &&
      this.#connection !== undefined &&
      response.socket === null &&
      !response.writableFinished
    ) {
      response.once('socket', () => this.#cutAfter(graceMs, closesConnection));
      return;
    }
    const timer = setTimeout(() => this.destroy(), graceMs);
    ((closesConnection && this.#connection) || response).once('close', () => clearTimeout(timer));
  }

  /** The socket, or none: by way of the response. Not changed while parts wait, which are framed for one of the two. */
  #way(): Socket | undefined {
    if (this.#direct === undefined && this.#slices.length === 0) this.#direct = directSocket(this.#response);
    return this.#direct;
  }

  /** Writes up to a slice of what waits, in one system call. @returns as `write`, and `false` while some is left */
  #writeSlice(): boolean {
    const socket = this.#way();
    const target = socket ?? this.#response;
    let room = SLICE_BYTES;
    let takesMore = true;
    target.cork();
    while (room > 0) {
      const bytes = this.#slices.shift();
      if (bytes === undefined) break;
      const fits = bytes.length <= room;
      if (!fits) this.#slices.unshift(bytes.subarray(room));
      takesMore = this.#writeNow(socket, fits ? bytes : bytes.subarray(0, room));
      room -= bytes.length;
    }
    target.uncork();
    this.#flush();
    if (this.#slices.length === 0) return takesMore;
    // A socket that took the slice at once has no `drain` to come.
    if (takesMore) setImmediate(() => this.#onDrain?.());
    return false;
  }

  #writeNow(socket: Socket | undefined, bytes: Buffer): boolean {
    // The application may have ended the response itself: nothing follows the last chunk.
    if (this.#response.writableEnded) return true;
    return socket === undefined ? this.#writeThrough(bytes) : socket.write(bytes);
  }

  /** By way of the response, whose `write` may be a middleware's. */
  #writeThrough(bytes: Buffer): boolean {
    if (this.isDisconnected) return true;
    const response = this.#response as ServerResponse;
    const takesMore: boolean | undefined = response.write(bytes); // Nothing, where it is a careless middleware's.
    return takesMore ?? !response.writableNeedDrain;
  }

  /** A method that compressing middleware adds, to send what its coder holds back. */
  #flush(): void {
    if (this.#direct === undefined) (this.#response as { flush?: () => void }).flush?.();
  }
}
