import type { IncomingHttpHeaders } from 'node:http';
import { describeValue } from '../protocol/error-text.js';
import { SseError } from '../protocol/sse-error.js';
import { ignoreRejection } from '../protocol/thenable.js';
import type { AllowedOrigins } from './cross-site-options.interface.js';

/** A request, as far as its origin is judged. */
export interface JudgedRequest {
  /** The request as the application receives it, for the function of the option. */
  readonly request: unknown;
  readonly headers: IncomingHttpHeaders;
  /** Host and port by which the client called this server, as far as it is known. */
  readonly host: string | undefined;
  /** Headers that CORS and other middleware have set on the response so far. */
  readonly responseHeaders: Readonly<Record<string, unknown>>;
}

/** Text of the refusal. It does not repeat the origin, which is untrusted. */
export const CROSS_SITE_MESSAGE =
  'Pages of this origin may not open a stream with credentials. Allow it with the option "allowedOrigins" of SseModule, or ' +
  'with CORS and credentials.';

/** Schemes of `Authorization` that browsers add by themselves. A script sets the others, after a preflight request. */
const AMBIENT_SCHEMES = /^\s*(?:basic|digest|negotiate|ntlm)\b/i;

/**
 * Judges a request by what only a browser sets: `Sec-Fetch-Site` (W3C Fetch Metadata) and `Origin` (RFC 6454, 7).
 *
 * @returns `true` for a request with credentials from a page whose origin is not allowed
 * @throws SseError `invalid-arguments` where the function of the option returns no boolean; and what it throws
 */
export function isForbiddenCrossSite(
  judged: JudgedRequest,
  allowed: AllowedOrigins | false | undefined,
): boolean {
  if (allowed === false || allowed === '*') return false;
  const { headers } = judged;
  const credentials = credentialsOf(headers);
  if (credentials === undefined || !isFromElsewhere(judged, allowed === undefined)) return false;
  const { origin } = headers;
  // A navigation, an image or a script of another site names no origin, and could not read the stream.
  if (origin === undefined) return true;
  return !isListed(origin, judged.request, allowed) && !isAllowedByCors(origin, judged, credentials);
}

/** `'ambient'` where a browser adds the credentials to requests of any page. */
function credentialsOf({ cookie, authorization }: IncomingHttpHeaders): 'ambient' | 'explicit' | undefined {
  if (cookie !== undefined) return 'ambient';
  if (authorization === undefined) return undefined;
  return AMBIENT_SCHEMES.test(authorization) ? 'ambient' : 'explicit';
}

/** True unless the request comes from a page of this server, or names no page at all. */
function isFromElsewhere({ headers, host }: JudgedRequest, sameSitePasses: boolean): boolean {
  const { 'sec-fetch-site': site, origin } = headers;
  // Set by the browser itself, also where a proxy has changed the host.
  if (site === 'same-origin' || site === 'none') return false;
  if (site === 'same-site') return !sameSitePasses;
  if (site !== undefined) return true;
  return origin !== undefined && !isOriginOf(origin, host);
}

/** An origin as browsers write it (HTML standard, 7.1.1): scheme, host and port, and nothing else that a URL may have. */
const ORIGIN = /^(https?:)\/\/[^\s/?#@\\]+$/i;

/** Compares hosts and ports alone: the scheme of the client is unknown behind a proxy that ends TLS. */
function isOriginOf(origin: string, host: string | undefined): boolean {
  const [, scheme] = ORIGIN.exec(origin) ?? [];
  if (host === undefined || scheme === undefined || !URL.canParse(origin)) return false;
  const asked = `${scheme}//${host}`;
  return URL.canParse(asked) && new URL(asked).host === new URL(origin).host;
}

function isListed(origin: string, request: unknown, allowed: AllowedOrigins | false | undefined): boolean {
  if (allowed === undefined || typeof allowed !== 'function')
    return Array.isArray(allowed) && allowed.includes(origin);
  const result: unknown = allowed(origin, request as never);
  ignoreRejection(result);
  if (typeof result === 'boolean') return result;
  throw new SseError(
    'invalid-arguments',
    `The option "allowedOrigins" of SseModule returned ${describeValue(result)}. Return true or false at once.`,
  );
}

/** True where a browser lets the page read the answer, by the headers that CORS has set for it (Fetch standard, 4.9). */
function isAllowedByCors(
  origin: string,
  { responseHeaders }: JudgedRequest,
  credentials: 'ambient' | 'explicit',
): boolean {
  const allowedOrigin = responseHeaders['access-control-allow-origin'];
  if (credentials === 'explicit') return allowedOrigin === '*' || allowedOrigin === origin;
  return allowedOrigin === origin && responseHeaders['access-control-allow-credentials'] === 'true';
}
