import { Logger } from '@nestjs/common';
import { stackOf } from '../protocol/error-text.js';
import { SseError } from '../protocol/sse-error.js';

const logger = new Logger('SseService');

/** Logs a failure that no caller receives, such as the rejection of a promise that is not awaited. */
export function reportFailure(error: unknown): void {
  logger.error(
    error instanceof SseError ? error.message : 'A call that nobody awaited failed.',
    stackOf(error),
  );
}

/** Logs the failure of a callback or a subscriber of the application. */
export function reportCallbackFailure(message: string, error: unknown): void {
  logger.error(message, stackOf(error));
}

/** Logs the error of an Observable that `publishFrom` subscribed to. */
export function reportSourceFailure(rooms: readonly string[], error: unknown): void {
  logger.error(`A source published to ${rooms.join(', ')} failed.`, stackOf(error));
}
