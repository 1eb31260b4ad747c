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
  // `host` of Express and Fastify is that of a proxy only where the application trusts the proxy.
  const { host = headers.host ?? headers[':authority'] } = request as { host?: unknown };
  return isForbiddenCrossSite(
    {
      request,
      headers,
      host: typeof host === 'string' ? host : undefined,
      // Read for few requests.
      get responseHeaders() {
        return http.headers();
      },
    },
    allowedOrigins,
  );
}
