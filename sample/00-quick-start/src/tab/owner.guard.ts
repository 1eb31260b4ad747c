import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import type { Request } from 'express';
import type { Tab } from './tab.js';
import { TabService } from './tab.service.js';

export interface TabRequest extends Request {
  tab?: Tab;
}

/** Accepts a POST with the id and the token of an open connection, so that a tab acts for itself only. */
@Injectable()
export class OwnerGuard implements CanActivate {
  constructor(private readonly tabs: TabService) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<TabRequest>();
    const { clientId, token }: Record<string, unknown> = request.body ?? {};
    if (typeof clientId !== 'string' || typeof token !== 'string') {
      throw new UnauthorizedException('Send the clientId and token of your stream\'s "welcome" event');
    }
    request.tab = this.tabs.owner(clientId, token);
    if (request.tab === undefined) {
      throw new ForbiddenException('This clientId and token belong to no open connection');
    }
    return true;
  }
}

/** Injects the tab that a guard found for this request. */
export const CurrentTab = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<TabRequest>().tab,
);
