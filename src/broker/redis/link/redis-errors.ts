import { SseError } from '../../../protocol/sse-error.js';
import { isErrorReply } from '../driver/redis-driver.interface.js';

export function unavailable(message: string, cause: Error | undefined): SseError {
  return new SseError('broker-unavailable', cause === undefined ? message : `${message} (${cause.message})`, {
    cause,
  });
}

/** Whether Redis could not be asked, so that asking again later makes sense. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-unavailable' && !isErrorReply(error.cause);
}

/** A command was sent, and nothing came back. */
export class NoReply extends Error {
  constructor() {
    super('No reply came in time.');
  }
}
