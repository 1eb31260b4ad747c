import { Injectable } from '@nestjs/common';
import type { SseModuleOptions, SseOptionsFactory } from 'nestjs-simple-sse';
import type { SignedInRequest } from '../accounts/account.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { shopEvents } from '../app.events.js';
import { RoomPermissions } from './room-permissions.js';

@Injectable()
export class SseOptions implements SseOptionsFactory {
  constructor(
    private readonly accounts: AccountsRepository,
    private readonly permissions: RoomPermissions,
  ) {}

  createSseOptions(): SseModuleOptions {
    return {
      events: shopEvents,
      // The contract of a shop is worth its time in production too.
      checkEvents: true,
      heartbeatIntervalMs: 15_000,
      retryMs: { minMs: 1_000, maxMs: 3_000 },
      // A stream ends with its session. The page comes back, is answered with 401, and shows the form.
      identify: ({ request }) => {
        const { signedIn } = request as SignedInRequest;
        return signedIn && { user: signedIn.account.id, expiresAt: signedIn.expiresAt };
      },
      // Asked when a page opens an order, and for each order that a stream comes back to.
      authorizeRoom: ({ user }, room) => {
        const account = user === undefined ? undefined : this.accounts.find(user);
        return account !== undefined && this.permissions.allows(account, room);
      },
      // An account that was removed after its ticket was issued.
      tickets: { authorize: ({ user }) => this.accounts.find(user) !== undefined },
    };
  }
}
