import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { type Account, isStaff, type SignedInRequest } from './account.js';
import { SessionsRepository } from './sessions.repository.js';

/** `SameSite=Strict`, so that no page of another site sends it. */
export const SESSION_COOKIE = 'shop-session';

/** Admits requests with the cookie of a session, or with its token as `Authorization: Bearer`. Answers 401 otherwise. */
@Injectable()
export class SignedInGuard implements CanActivate {
  constructor(private readonly sessions: SessionsRepository) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<SignedInRequest>();
    const token = tokenOf(request);
    request.signedIn = token === undefined ? undefined : this.sessions.find(token);
    if (request.signedIn === undefined) throw new UnauthorizedException('Sign in first');
    if (!this.admits(request.signedIn.account)) throw new ForbiddenException('Not for your account');
    return true;
  }

  protected admits(_account: Account): boolean {
    return true;
  }
}

@Injectable()
export class StaffGuard extends SignedInGuard {
  protected override admits(account: Account): boolean {
    return isStaff(account);
  }
}

@Injectable()
export class OperatorGuard extends SignedInGuard {
  protected override admits({ role }: Account): boolean {
    return role === 'operator';
  }
}

function tokenOf({ cookies, headers }: SignedInRequest): string | undefined {
  const cookie: unknown = (cookies as Record<string, unknown>)[SESSION_COOKIE];
  if (typeof cookie === 'string') return cookie;
  return /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
