import type { AllowedOrigins } from '../../cross-site/cross-site-options.interface.js';
import { isForbiddenCrossSite } from '../../cross-site/cross-site.js';
import type { HttpExchange } from '../http-exchange.js';

/**
 * Judges the origin of a request before anything of its stream is done, as `isForbiddenCrossSite` does.
 *
 * @param request the request as the application receives it
 */
export function isForbiddenOrigin(
  http: HttpExchange,
  request: unknown,
  allowedOrigins: AllowedOrigins | false | undefined,
): boolean {
  const { headers } = http.request;
  const authority = headers[':authority'] ?? headers.host;
  // `host` of Express and Fastify is that of a proxy only where the application trusts the proxy.
  const { host = authority } = request as { host?: unknown };
  // Over HTTP/2 both name the same host, or the request is malformed (RFC 9113, 8.3.1).
  const isMalformed = headers.host !== undefined && headers.host !== authority;
  return isForbiddenCrossSite(
    {
      request,
      headers,
      host: typeof host === 'string' && !isMalformed ? host : undefined,
      // Read for few requests.
      get responseHeaders() {
        return http.headers();
      },
    },
    allowedOrigins,
  );
}
