/**
 * Response headers of a stream. Values set before by CORS, a middleware or `@Header` take precedence, except for
 * `content-type` and `FORBIDDEN_HEADERS`.
 */
export const STREAM_HEADERS: Readonly<Record<string, string>> = {
  // HTML standard, 9.2.2: `EventSource` accepts only this type. No charset: Chromium 156 refuses any but utf-8, the default.
  'content-type': 'text/event-stream',
  // `no-transform` keeps compressing middleware and proxies from holding events back.
  'cache-control': 'no-cache, no-transform',
  // nginx buffers a proxied response by default.
  'x-accel-buffering': 'no',
};

/** Headers of a body with a known length or a content coding; a stream has neither. */
export const FORBIDDEN_HEADERS: readonly string[] = [
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'etag',
  'last-modified',
];

/** Merges the headers that a response has so far with those of a stream. */
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
