import { FastifyAdapter } from '@nestjs/platform-fastify';

/** The URL of a request without the values of `ticket` and `lastEventId`. */
export function withoutSecrets(url: string): string {
  return url.replace(/([?&](?:ticket|lastEventId)=)[^&#]*/gi, '$1-');
}

interface LoggedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly headers: Record<string, unknown>;
}

/** For pino, as in Fastify and `nestjs-pino` (`pinoHttp: { serializers }`). */
export const serializers = {
  req: ({ method = '', url = '' }: LoggedRequest) => ({ method, url: withoutSecrets(url) }),
};

export const adapter = (): FastifyAdapter => new FastifyAdapter({ logger: { level: 'info', serializers } });

/** For morgan: `morgan(accessLine)`. */
export function accessLine(
  _tokens: unknown,
  request: LoggedRequest,
  response: { readonly headersSent: boolean; readonly statusCode: number },
): string {
  const status = response.headersSent ? response.statusCode : '-';
  return `${request.method} ${withoutSecrets(request.originalUrl ?? '')} ${status}`;
}
