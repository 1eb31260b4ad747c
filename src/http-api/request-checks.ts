import { HttpStatus } from '@nestjs/common';
import { isJson } from '../protocol/input/media-type.js';
import { refusal } from './publish-failure.js';

/** The part of a request of Express or Fastify that is read. */
export interface PublishRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
}

/**
 * Refuses a body that is not declared as JSON.
 *
 * @throws HttpException 415
 */
export function checkMediaType({ headers }: PublishRequest): void {
  if (isJson(headers)) return;
  throw refusal(
    HttpStatus.UNSUPPORTED_MEDIA_TYPE,
    'unsupported-media-type',
    'Send JSON, with the header "Content-Type: application/json".',
  );
}

/** Refuses a body of more than `maxBytes` bytes. @throws HttpException 413 */
export function checkSize({ headers, body }: PublishRequest, maxBytes: number | false): void {
  if (maxBytes === false) return;
  const bytes = declaredBytes(headers) ?? bytesOf(body);
  if (bytes <= maxBytes) return;
  throw refusal(
    HttpStatus.PAYLOAD_TOO_LARGE,
    'body-too-large',
    `The body has ${bytes} bytes, over ${maxBytes}. Send less, or several requests.`,
  );
}

/** `undefined` for a body in chunks, and for a compressed one, whose length says nothing about its content. */
function declaredBytes(headers: PublishRequest['headers']): number | undefined {
  const declared = Number(headers['content-length']);
  return headers['content-encoding'] === undefined && Number.isFinite(declared) ? declared : undefined;
}

function bytesOf(body: unknown): number {
  if (body === undefined) return 0;
  try {
    return Buffer.byteLength(JSON.stringify(body));
  } catch {
    throw refusal(HttpStatus.BAD_REQUEST, 'invalid-body', 'The body is nested too deeply.');
  }
}
