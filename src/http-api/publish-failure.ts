import { HttpException, HttpStatus } from '@nestjs/common';
import { SseError, type SseErrorCode } from '../protocol/sse-error.js';

/** Reasons of a refusal beside the error codes of the package. `docs/18-http-api.md` explains each; a test compares both lists. */
export const HTTP_API_CODES = [
  'unauthorized',
  'key-in-query',
  'room-not-allowed',
  'unsupported-media-type',
  'invalid-body',
  'body-too-large',
  'batch-too-large',
  'rooms-too-many',
  'internal-error',
] as const;

/** Identifies the reason of a refusal of the HTTP API. */
export type HttpApiCode = (typeof HTTP_API_CODES)[number] | SseErrorCode;

/** Body of an answer that is no success, and the `error` of a failed event of a batch. */
export interface PublishFailure {
  readonly statusCode: number;
  readonly error: string;
  readonly code: HttpApiCode;
  readonly message: string;
  /** Path of the wrong field in the body, such as `events[2].rooms[0]`. */
  readonly field?: string;
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Failures of the broker that a repeated request may not meet. */
const UNAVAILABLE: ReadonlySet<string> = new Set<SseErrorCode>([
  'broker-unavailable',
  'broker-closed',
  'not-acknowledged',
]);

/** Seconds after which a client may repeat a request that was answered with 503. */
export const RETRY_AFTER_SECONDS = 5;

/** Makes the answer to a request that is refused. */
export function refusal(
  statusCode: number,
  code: HttpApiCode,
  message: string,
  field?: string,
): HttpException {
  return new HttpException(failure(statusCode, code, message, field), statusCode);
}

/** Makes the answer to an event that did not pass a check. Any other error is returned unchanged. */
export function invalidEvent(error: unknown, field: string): unknown {
  if (!(error instanceof SseError)) return error;
  const status = error.code === 'event-too-large' ? HttpStatus.PAYLOAD_TOO_LARGE : HttpStatus.BAD_REQUEST;
  return refusal(status, error.code, error.message, field);
}

/** Describes the failure of a valid event that was not published. */
export function publishFailure(error: unknown): PublishFailure {
  if (error instanceof SseError && UNAVAILABLE.has(error.code)) {
    return failure(HttpStatus.SERVICE_UNAVAILABLE, error.code, error.message);
  }
  return failure(HttpStatus.INTERNAL_SERVER_ERROR, 'internal-error', 'The event was not published.');
}

function failure(statusCode: number, code: HttpApiCode, message: string, field?: string): PublishFailure {
  const shared = { statusCode, error: REASONS[statusCode] ?? 'Error', code, message };
  return field === undefined ? shared : { ...shared, field };
}
