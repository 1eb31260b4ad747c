import { promisify } from 'node:util';

/** The session of a request, as express-session makes it. It is stored when the response ends, which a stream may never do. */
interface StoredSession {
  save(done: (error?: unknown) => void): unknown;
}

/**
 * The session of a request whose stream opens. A change that the handler makes is stored before the stream opens: it would
 * be lost when the client disconnects, and other requests would not see it meanwhile.
 *
 * An unchanged session is not stored, since it would overwrite changes of simultaneous requests.
 */
export class OpeningSession {
  readonly #request: { readonly session?: unknown };
  readonly #before: string;

  constructor(request: object) {
    this.#request = request;
    this.#before = contentOf(this.#session);
  }

  /** Stores a changed session. @returns `undefined` for an unchanged one */
  save(): Promise<void> | undefined {
    const session = this.#session;
    if (session === undefined || contentOf(session) === this.#before) return undefined;
    return promisify((done: (error?: unknown) => void) => void session.save(done))();
  }

  get #session(): StoredSession | undefined {
    const session = this.#request.session as Partial<StoredSession> | null | undefined;
    return typeof session?.save === 'function' ? (session as StoredSession) : undefined;
  }
}

/** The values of a session, and its id, which changes with `regenerate()`. */
function contentOf(session: object | undefined): string {
  return session === undefined ? '' : JSON.stringify([(session as { id?: unknown }).id, session]);
}
