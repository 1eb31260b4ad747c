import { ForbiddenException, type CanActivate, type ExecutionContext } from '@nestjs/common';

/** Header that the page sends with each change. A form of another site cannot set it. */
export const PAGE_HEADER = 'sse-admin';

interface PageRequest {
  readonly method: string;
  /** Of Express and Fastify: the name of a proxy only where the application trusts it. */
  readonly host?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Refuses requests that a page of another origin makes with the operator's cookies. Browsers name the origin in
 * `Sec-Fetch-Site`, or over plain HTTP only in `Origin`. A change needs the page's own header as well.
 */
export class OwnPageGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PageRequest>();
    const { method, headers } = request;
    if (isForeign(request)) throw new ForbiddenException('Only from the operator’s page itself');
    if (method !== 'POST') return true;
    if (headers[PAGE_HEADER] === '1' && /^application\/json\b/i.test(String(headers['content-type'])))
      return true;
    throw new ForbiddenException(`A change needs the header "${PAGE_HEADER}: 1" and JSON`);
  }
}

function isForeign({ host, headers }: PageRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined) return site !== 'same-origin';
  if (origin === undefined) return false;
  const [, hostOfOrigin] = /^https?:\/\/([^/]+)$/i.exec(String(origin)) ?? [];
  const own = String(host ?? headers['host'] ?? headers[':authority']);
  return hostOfOrigin === undefined || hostOfOrigin.toLowerCase() !== own.toLowerCase();
}
