import { isObservable } from 'rxjs';
import type { SseClient } from '../connection/sse-client.js';
import { isAsyncIterable, isIterator } from '../protocol/input/iterables.js';
import { RunFollower } from '../runs/following/run-follower.js';

/** Receives the values of a handler's source. */
export interface SourceSink {
  /** @param waits `true` if the source is read further only when the client has taken this value */
  next(value: unknown, waits?: boolean): void;
  /** Settles when the client has received its missed events; `undefined` where it has. */
  caughtUp(): Promise<void> | undefined;
  error(error: unknown): void;
  /** Takes an error thrown by the source when it was stopped, after the end of the stream. */
  stopFailed(error: unknown): void;
  complete(): void;
}

/**
 * Reads the result of a handler: nothing, an Observable, an AsyncIterable, a run or one value. Stops when the client's stream
 * ends.
 *
 * An Observable pushes, so the limit of the client's queue applies. An AsyncIterable is pulled: the next value is
 * requested only when the socket has taken the earlier ones. Its `return()` is called when the stream ends.
 */
export function readSource(source: unknown, client: SseClient, sink: SourceSink): void {
  if (source === undefined || source === null) return;
  if (isObservable(source)) {
    const subscription = source.subscribe({
      next: (value) => sink.next(value),
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    });
    client.closed.then(() => subscription.unsubscribe()).catch((error) => sink.stopFailed(error));
  } else if (source instanceof RunFollower) {
    followRun(source, client, sink);
  } else if (isAsyncIterable(source)) {
    void readIterator(source[Symbol.asyncIterator](), client, sink);
  } else if (isIterator(source)) {
    void readIterator(source, client, sink);
  } else {
    sink.next(source);
    sink.complete();
  }
}

async function readIterator(
  iterator: AsyncIterator<unknown> | Iterator<unknown>,
  client: SseClient,
  sink: SourceSink,
): Promise<void> {
  // Called at once, even while a value is awaited: a generator then ends at its next `yield`.
  client.closed.then(() => iterator.return?.()).catch((error) => sink.stopFailed(error));
  try {
    for (;;) {
      const { value, done } = await iterator.next();
      if (client.isClosed) return;
      if (done) return sink.complete();
      sink.next(value, true);
      const caughtUp = sink.caughtUp();
      if (caughtUp !== undefined) await caughtUp;
      if (client.connection.isBusy) await client.connection.drained();
    }
  } catch (error) {
    if (!client.isClosed) sink.error(error);
  }
}

/** Sends the frames of a run, the next one once the socket has taken those before it. */
function followRun(follower: RunFollower, client: SseClient, sink: SourceSink): void {
  client.closed.then(() => follower.stop()).catch((error) => sink.stopFailed(error));
  const drained = (): Promise<void> | undefined =>
    client.connection.isBusy ? client.connection.drained() : undefined;
  follower.sendTo({
    next: (frame) => sink.next(frame, true),
    untilFree: () => {
      const caughtUp = sink.caughtUp();
      return caughtUp === undefined ? drained() : caughtUp.then(drained);
    },
    error: (error) => sink.error(error),
    complete: () => sink.complete(),
  });
}

/**
 * Returns `true` for a result whose values may pass through interceptors: an Observable or one value. Iterables are read at the
 * pace of the client instead, as runs are.
 */
export function isMappable(source: unknown): boolean {
  const isRead = isAsyncIterable(source) || isIterator(source) || source instanceof RunFollower;
  return source !== undefined && source !== null && !isRead;
}
