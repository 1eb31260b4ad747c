/**
 * The complete list of error codes. `docs/10-errors.md` explains each; a test compares both lists.
 */
export const SSE_ERROR_CODES = [
  'invalid-arguments',
  'invalid-options',
  'registered-twice',
  'invalid-room',
  'missing-room',
  'too-many-rooms',
  'room-forbidden',
  'invalid-event-name',
  'invalid-data',
  'unknown-room',
  'unknown-event',
  'data-mismatch',
  'event-too-large',
  'invalid-id',
  'invalid-retry',
  'invalid-user',
  'no-presence',
  'unsupported-by-broker',
  'too-many-runs',
  'run-overflow',
  'id-not-allowed',
  'unsupported-response',
  'response-already-sent',
  'unknown-route-parameter',
  'not-a-route',
  'broken-route',
  'module-not-imported',
  'broker-closed',
  'broker-unavailable',
  'not-acknowledged',
] as const;

/** Identifies the reason of an `SseError`; docs/10-errors.md explains each code. */
export type SseErrorCode = (typeof SSE_ERROR_CODES)[number];

/**
 * The only error class of this package, for invalid calls and for broker failures.
 *
 * A slow or disconnected client does not cause an error; see `CloseReason`.
 */
export class SseError extends Error {
  override readonly name = 'SseError';

  /**
   * @param code the reason, for programs
   * @param message the reason and the remedy, for people
   */
  constructor(
    readonly code: SseErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    if (callOnStack !== undefined) Error.captureStackTrace(this, callOnStack);
  }
}

/** The method of the public API that runs now, up to its first `await`. */
let callOnStack: PublicMethod | undefined;

/** A method of the public API. Only compared with the functions of a stack. */
export type PublicMethod = (...args: never[]) => unknown;

/**
 * Runs `work`. The stack of an `SseError` that it creates begins with the caller of `method`: ten frames, the default of
 * Node, would show this package alone.
 *
 * @param method must be on the stack
 */
export function withStackOf<T>(method: PublicMethod, work: () => T): T {
  const outer = callOnStack;
  callOnStack = method;
  try {
    return work();
  } finally {
    callOnStack = outer;
  }
}
