import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Stallable, WriteTimeoutTimer } from '../timers/write-timeout-timer.js';

/** Time for a session to answer after one of its streams was cut during shutdown, in milliseconds. */
const ANSWER_MS = 1_000;

/**
 * HTTP/2 sessions that carry or carried streams. They are closed at shutdown: before Node 24, closing a Fastify server
 * waits forever for an idle session. A closed session accepts no more requests and ends with its last stream.
 */
export class Http2Sessions {
  readonly #writeTimeouts: WriteTimeoutTimer;
  readonly #sessions = new Set<Http2Session>();
  /** Sessions that were sent a PING, until they answer. */
  readonly #unanswered = new Map<Http2Session, AskedSession>();
  #isClosing = false;

  constructor(writeTimeouts: WriteTimeoutTimer) {
    this.#writeTimeouts = writeTimeouts;
  }

  add(session: Http2Session | undefined): void {
    if (session === undefined || this.#sessions.has(session)) return;
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
  }

  /**
   * Cuts a stream. If its session then neither answers a PING nor takes bytes for `writeTimeoutMs`, its socket is destroyed:
   * a full socket takes not even the end of a stream, so the session would stay open. Over TLS Node may not notice the end of
   * such a connection at all.
   */
  cancel(stream: ServerHttp2Stream): void {
    const { session } = stream;
    // After `destroy`, `session.close()` would never finish; after CANCEL it does.
    stream.close(constants.NGHTTP2_CANCEL);
    if (session === undefined) return;
    if (this.#isClosing) this.#unanswered.get(session)?.expectAnswer();
    else {
      const asked = this.#ask(session);
      if (asked !== undefined) this.#writeTimeouts.add(asked);
    }
  }

  close(): void {
    this.#isClosing = true;
    for (const asked of this.#unanswered.values()) asked.expectAnswer();
    for (const session of this.#sessions) {
      // Before the close: a closed session sends no PING.
      this.#ask(session);
      session.close();
    }
  }

  /** @returns `undefined` if there is nothing to wait for, or an earlier question is open */
  #ask(session: Http2Session): AskedSession | undefined {
    if (session.destroyed || session.closed || this.#unanswered.has(session)) return undefined;
    const asked = new AskedSession(session);
    const end = (): void => {
      session.off('close', end);
      this.#unanswered.delete(session);
      this.#writeTimeouts.delete(asked);
      clearTimeout(asked.deadline);
    };
    this.#unanswered.set(session, asked);
    session.once('close', end);
    // An error means that no answer can come any more; the end of the session follows.
    session.ping((error) => error ?? end());
    return asked;
  }
}

/** A session that was sent a PING. */
class AskedSession implements Stallable {
  readonly #session: Http2Session;
  stalledSinceMs = performance.now();
  deadline: NodeJS.Timeout | undefined;

  constructor(session: Http2Session) {
    this.#session = session;
  }

  get connection(): Socket | undefined {
    return socketOf(this.#session);
  }

  progressed(nowMs: number): void {
    this.stalledSinceMs = nowMs;
  }

  writeTimedOut(): void {
    this.connection?.destroy();
  }

  expectAnswer(): void {
    this.deadline ??= setTimeout(() => this.writeTimedOut(), ANSWER_MS);
  }
}

/** The socket below a session; `undefined` once the session is destroyed. */
export function socketOf(session: Http2Session): Socket | undefined {
  // `session.socket` is a proxy that refuses `destroy`. A method that returns its object returns the socket itself.
  return session.destroyed ? undefined : session.socket.setMaxListeners(session.socket.getMaxListeners());
}
