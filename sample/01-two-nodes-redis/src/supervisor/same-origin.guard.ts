import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { Request } from 'express';

/** Accepts the sample's own page and programs such as curl, and refuses pages of other sites. */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<Request>();
    const site = headers['sec-fetch-site'];
    if (site === undefined || site === 'same-origin') return true;
    throw new ForbiddenException('Only from the sample’s own page');
  }
}
