import { isIP } from 'node:net';
import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { Request } from 'express';

/**
 * Accepts the sample's own page and programs such as curl, and refuses pages of other sites.
 *
 * The name in `Host` is checked too: a site that resolves its own name to this machine (DNS rebinding) has the same
 * origin for a browser. It cannot do so with `localhost` or an address.
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<Request>();
    const site = headers['sec-fetch-site'];
    if ((site === undefined || site === 'same-origin') && isOwnHost(headers.host ?? '')) return true;
    throw new ForbiddenException('Only from the sample’s own page');
  }
}

function isOwnHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const address = name.replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === process.env['HOST'] || isIP(address) !== 0;
}
