import type { CloseReason } from './close-reason.js';
import type { SseClientContext } from './sse-client.interface.js';

/** Values of a client that are made when the application asks for them. Most clients have none, so each has one property for all. */
export class AskedValues {
  readonly context: SseClientContext = {};
  #abort: AbortController | undefined;
  #closed: { promise: Promise<CloseReason>; resolve: (reason: CloseReason) => void } | undefined;

  /** @param closeReason of a client whose stream has ended */
  signal(closeReason: CloseReason | undefined): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (closeReason !== undefined) this.#abort.abort(closeReason);
    }
    return this.#abort.signal;
  }

  /** @param closeReason of a client whose stream has ended */
  closed(closeReason: CloseReason | undefined): Promise<CloseReason> {
    if (this.#closed === undefined) {
      if (closeReason !== undefined) return Promise.resolve(closeReason);
      let resolve!: (reason: CloseReason) => void;
      this.#closed = { promise: new Promise((settle) => (resolve = settle)), resolve };
    }
    return this.#closed.promise;
  }

  /** Settles what was asked for. */
  settle(reason: CloseReason): void {
    this.#closed?.resolve(reason);
    this.#abort?.abort(reason);
  }
}
