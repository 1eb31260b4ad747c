import { FastifyAdapter } from '@nestjs/platform-fastify';

/** The URL of a request without the values of `ticket` and `lastEventId`. */
export function withoutSecrets(url: string): string {
  return url.replace(/([?&](?:ticket|lastEventId)=)[^&#]*/gi, '$1-');
}

interface LoggedRequest {
  readonly method?: string;
  readonly url?: string;
  readonly originalUrl?: string;
  readonly headers: Record<string, unknown>;
}

/** For pino, as in Fastify and `nestjs-pino` (`pinoHttp: { serializers }`). */
export const serializers = {
  req: ({ method, url = '' }: LoggedRequest) => ({ method, url: withoutSecrets(url) }),
};

export const adapter = (): FastifyAdapter => new FastifyAdapter({ logger: { level: 'info', serializers } });

/** For morgan: `morgan(accessLine)`. */
export function accessLine(
  tokens: { status(request: LoggedRequest, response: object): string | undefined },
  request: LoggedRequest,
  response: object,
): string {
  const url = withoutSecrets(request.originalUrl ?? '');
  return `${request.method} ${url} ${tokens.status(request, response) ?? '-'}`;
}
