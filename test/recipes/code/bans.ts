import { ForbiddenException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import type { SignedIn } from './session.guard.js';

/** Needs the option `identify` of `SseModule`, on every node. */
@Injectable()
export class Bans {
  private readonly banned = new Set<string>();

  constructor(private readonly sse: SseService) {}

  async ban(user: string): Promise<void> {
    // First, so that the browser's reconnect is refused. Over several nodes keep the list where all of them read it.
    this.banned.add(user);
    await this.sse.disconnect({ user });
  }

  has(user: string): boolean {
    return this.banned.has(user);
  }
}

@Injectable()
export class BanGuard implements CanActivate {
  constructor(private readonly bans: Bans) {}

  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<SignedIn>();
    if (this.bans.has(user.id)) throw new ForbiddenException();
    return true;
  }
}
