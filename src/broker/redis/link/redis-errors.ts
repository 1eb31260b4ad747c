import { SseError } from '../../../protocol/sse-error.js';
import { isErrorReply } from '../driver/redis-driver.interface.js';

/** Creates the error `broker-unavailable`; the cause's message is appended. */
export function unavailable(message: string, cause: Error | undefined): SseError {
  return new SseError('broker-unavailable', cause === undefined ? message : `${message} (${cause.message})`, {
    cause,
  });
}

/**
 * Returns `true` if Redis could not be reached, so that a retry may succeed. An error reply of Redis returns `false`.
 */
export function isUnreachable(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-unavailable' && !isErrorReply(error.cause);
}

/** Returns `true` if a command was sent and Redis sent no reply in time. */
export function isTimeout(error: unknown): boolean {
  return error instanceof SseError && error.cause instanceof NoReplyError;
}

/** Redis did not reply to a command in time. */
export class NoReplyError extends Error {
  constructor() {
    super('Redis sent no reply in time.');
  }
}
