import { Logger } from '@nestjs/common';
import { messageOf, stackOf } from '../protocol/error-text.js';

const logger = new Logger('SseService');

/**
 * Logs a failure that no caller receives, such as the rejection of a promise that is not awaited.
 *
 * @param call the call that failed, with its event and rooms; `undefined` for work in the background
 */
export function reportFailure(error: unknown, call?: string): void {
  const subject =
    call === undefined ? 'Work in the background failed' : `${call} failed, and nobody awaited it`;
  logger.error(`${subject}: ${messageOf(error)}`, stackOf(error));
}

/** Logs the failure of a callback or a subscriber of the application. */
export function reportCallbackFailure(message: string, error: unknown): void {
  logger.error(message, stackOf(error));
}
