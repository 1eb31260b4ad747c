import type { Source, SourceEvents } from './source.interface.js';

/** A source whose code is loaded first. */
export class LateSource implements Source {
  readonly #events: SourceEvents;
  #source: Source | undefined;
  #isClosed = false;

  /** @param open rejects where the code cannot be loaded */
  constructor(open: Promise<() => Source>, events: SourceEvents) {
    this.#events = events;
    open.then(
      (source) => {
        if (!this.#isClosed) this.#source = source();
      },
      (error: unknown) => {
        events.error(error);
        this.close();
      },
    );
  }

  listen(name: string): void {
    this.#source?.listen(name);
  }

  close(): void {
    if (this.#source !== undefined) return this.#source.close();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.state('closed', { reason: 'closed' });
  }
}
