/**
 * Why the client reports an error.
 *
 * - `invalid-options`: options contradict each other, or one is missing. Thrown.
 * - `gap`: events may be missing, and no `onGap` listener is there to load their state again.
 * - `refused`: the server answered with a final status; the client is closed.
 * - `unreadable`: this platform's `fetch` cannot read a stream; the client is closed.
 * - `overflow`: a loop over `events()` is too slow for its queue, and ends.
 * - `not-shared`: this page cannot share a connection with other tabs, and has one of its own.
 * - `room-refused`: the server does not let the page join a room; `room` and `status` say which and why.
 * - `left`: a room was left, or the client was closed, before the room was joined.
 */
export type SseClientErrorCode =
  'invalid-options' | 'gap' | 'refused' | 'unreadable' | 'overflow' | 'not-shared' | 'room-refused' | 'left';

/** An error of the client. `code` says which, `message` how to cure it. */
export class SseClientError extends Error {
  readonly code: SseClientErrorCode;
  /** The room of `room-refused`. */
  declare readonly room?: string;
  /** The status of `room-refused`. */
  declare readonly status?: number;

  constructor(code: SseClientErrorCode, message: string) {
    super(message);
    this.name = 'SseClientError';
    this.code = code;
  }
}
