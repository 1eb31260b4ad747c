/**
 * Why a call was refused. The list is closed: `docs/errors.md` explains each code, and a test holds the two together.
 */
export const SSE_ERROR_CODES = [
  'invalid-arguments',
  'invalid-options',
  'invalid-room',
  'missing-room',
  'invalid-event-name',
  'invalid-data',
  'invalid-id',
  'invalid-retry',
  'invalid-user',
  'no-presence',
  'unsupported-by-broker',
  'id-not-allowed',
  'unsupported-response',
  'response-already-sent',
  'unknown-route-parameter',
  'not-a-route',
  'broken-route',
  'module-not-imported',
  'broker-closed',
  'broker-unavailable',
] as const;

/** What went wrong, for programs; each code is explained in docs/errors.md. */
export type SseErrorCode = (typeof SSE_ERROR_CODES)[number];

/**
 * The one error class of this package: a caller's mistake, or a broker that could not do its work.
 *
 * A slow or vanished client is never an error but a `CloseReason`.
 */
export class SseError extends Error {
  override readonly name = 'SseError';

  /**
   * @param code what went wrong, for programs
   * @param message what went wrong and how to cure it, for people
   */
  constructor(
    readonly code: SseErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What a logger prints of anything that was thrown. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
