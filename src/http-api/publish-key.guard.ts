import { HttpStatus, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ResolvedHttpApiOptions } from './http-api-checks.js';
import { refusal } from './publish-failure.js';

/** Token of the options with their values. */
export const RESOLVED_HTTP_API_OPTIONS = Symbol('RESOLVED_HTTP_API_OPTIONS');

/** RFC 6750, 2.1; the scheme is matched without regard to case (RFC 9110, 11.1). */
const BEARER = /^bearer +([\w.~+/-]+=*) *$/i;
/** Names of query parameters in which clients send keys. URLs are logged by every proxy (RFC 9700, 4.3). */
const KEY_PARAMETERS = ['access_token', 'key', 'api_key', 'apikey', 'token', 'authorization'];

interface KeyedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly url?: string;
}

/** Refuses a request without one of the keys. Without keys, the guards of the application decide alone. */
@Injectable()
export class PublishKeyGuard implements CanActivate {
  constructor(
    @Inject(RESOLVED_HTTP_API_OPTIONS) private readonly options: ResolvedHttpApiOptions,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const { keys } = this.options;
    if (keys.isEmpty) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<KeyedRequest>();
    const deny = (challenge: string, message: string): Error => {
      this.adapterHost.httpAdapter.setHeader(http.getResponse(), 'WWW-Authenticate', challenge);
      return refusal(HttpStatus.UNAUTHORIZED, 'unauthorized', message);
    };
    const { authorization } = request.headers;
    const inQuery = keyParameter(request.url);
    if (authorization === undefined) {
      const hint =
        inQuery === undefined ? '' : ` A key in the URL ("${inQuery}") is not accepted: URLs are logged.`;
      throw deny('Bearer', `Send the header "Authorization: Bearer <key>".${hint}`);
    }
    const [, token] = BEARER.exec(String(authorization)) ?? [];
    if (token === undefined || !keys.admit(request, token)) {
      throw deny('Bearer error="invalid_token"', 'The key in the header "Authorization" is not accepted.');
    }
    if (inQuery !== undefined) {
      throw refusal(
        HttpStatus.BAD_REQUEST,
        'key-in-query',
        `The key belongs in the header alone: URLs are logged. Take the query parameter "${inQuery}" away, and replace the key if it was one.`,
      );
    }
    return true;
  }
}

function keyParameter(url = ''): string | undefined {
  const query = url.slice(url.indexOf('?') + 1);
  if (query === url) return undefined;
  const names = [...new URLSearchParams(query).keys()].map((name) => name.toLowerCase());
  return KEY_PARAMETERS.find((name) => names.includes(name));
}
