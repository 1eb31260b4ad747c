import type { Http2Session } from 'node:http2';

/**
 * HTTP/2 sessions that carry or carried streams. They are closed at shutdown: before Node 24, closing a Fastify server
 * waits forever for an idle session. A closed session accepts no more requests and ends with its last stream.
 */
export class Http2Sessions {
  readonly #sessions = new Set<Http2Session>();

  add(session: Http2Session | undefined): void {
    if (session === undefined || this.#sessions.has(session)) return;
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }
}
