/**
 * What a stream's response says of itself. A value that CORS, a middleware or `@Header` set already stays, save for
 * those that would contradict a stream.
 */
export const STREAM_HEADERS: Readonly<Record<string, string>> = {
  // HTML standard, 9.2.2: only this type connects. No charset: Chromium 156 refuses any but utf-8, the default.
  'content-type': 'text/event-stream',
  // `no-transform` keeps compressing middleware and proxies from holding events back.
  'cache-control': 'no-cache, no-transform',
  // nginx buffers a proxied response unless told not to.
  'x-accel-buffering': 'no',
};

/** Headers that describe a body of known length or another coding; a stream has neither. */
export const FORBIDDEN_HEADERS: readonly string[] = [
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'etag',
  'last-modified',
];

/** Applies both lists to the headers of a response that is about to become a stream. */
export function streamHeaders(
  present: Readonly<Record<string, unknown>>,
): Record<string, string | number | readonly string[]> {
  const headers: Record<string, string | number | readonly string[]> = { ...STREAM_HEADERS };
  for (const [name, value] of Object.entries(present)) {
    const lower = name.toLowerCase();
    if (lower === 'content-type' || FORBIDDEN_HEADERS.includes(lower)) continue;
    if (typeof value === 'string' || typeof value === 'number' || Array.isArray(value))
      headers[lower] = value as string | number | readonly string[];
  }
  return headers;
}
