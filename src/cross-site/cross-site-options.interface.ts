/**
 * Origins whose pages may open streams with credentials, the option `allowedOrigins` of `SseModule`. Each is written as
 * browsers send it (`https://app.example.com`, without a path), or as `'null'` for pages without an origin of their own.
 *
 * - left out: the page's own origin, other origins of the same site, and the origins that the application's CORS settings
 *   allow for this request.
 * - a list: its origins instead of those of the same site; the page's own origin and those of CORS too. `[]` names none.
 * - a function of the origin and the request: as a list; it returns `true` for an allowed origin. It is called in the request,
 *   before rooms and handler, and may not wait. An exception is the answer to the request.
 * - `'*'`: every origin, as with `allowedOrigins: false`, which checks nothing.
 */
export type AllowedOrigins = readonly string[] | '*' | ((origin: string, request: never) => boolean);
