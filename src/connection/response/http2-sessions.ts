import type { Http2Session } from 'node:http2';

/**
 * The HTTP/2 sessions that carry or carried streams. Before Node 24, closing a Fastify server waits for ever for a
 * session that is idle; a session told to close takes no more requests and goes when its streams have ended.
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
