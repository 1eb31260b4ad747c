import { isObservable } from 'rxjs';
import type { SseClient } from '../connection/sse-client.js';

/** Where the values of a handler go. */
export interface SourceSink {
  /** @param waits whether the source asks for its next value only when the client has taken this one */
  next(value: unknown, waits?: boolean): void;
  /** Settles when the client has received its missed events; `undefined` where it has. */
  caughtUp(): Promise<void> | undefined;
  error(error: unknown): void;
  complete(): void;
}

/**
 * Begins to read what a handler returned: nothing, an Observable, an AsyncIterable or one value. It stops when the
 * client has gone.
 *
 * An Observable pushes, so what it emits is bounded by the client's queue. An AsyncIterable is pulled: its next value
 * is asked for only when the socket has taken the ones before, and `return()` is called when the client goes.
 */
export function readSource(source: unknown, client: SseClient, sink: SourceSink): void {
  if (source === undefined || source === null) return;
  if (isObservable(source)) {
    const subscription = source.subscribe({
      next: (value) => sink.next(value),
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    });
    void client.closed.then(() => subscription.unsubscribe());
  } else if (isAsyncIterable(source)) {
    void pull(source[Symbol.asyncIterator](), client, sink);
  } else {
    sink.next(source);
    sink.complete();
  }
}

async function pull(iterator: AsyncIterator<unknown>, client: SseClient, sink: SourceSink): Promise<void> {
  // Called at once, also while a value is awaited: a generator then ends as soon as it may.
  void client.closed.then(() => iterator.return?.()).catch(() => {});
  try {
    for (;;) {
      const { value, done } = await iterator.next();
      if (client.isClosed) return;
      if (done) return sink.complete();
      sink.next(value, true);
      await sink.caughtUp();
      if (client.connection.isBusy) await client.connection.drained();
    }
  } catch (error) {
    if (!client.isClosed) sink.error(error);
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}
