import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly role: 'customer' | 'staff' | 'operator';
}

export interface Session {
  /** Public id. The token is known to the client only. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly account: Account;
}

/** Set by `SignedInGuard`. */
export interface SignedInRequest extends Request {
  signedIn?: Session | undefined;
}

/** Returns `true` for accounts that see all orders. */
export const isStaff = ({ role }: Account): boolean => role !== 'customer';

/** The room of all streams of one session. It has no events: its clients are disconnected at sign-out. */
export const sessionRoom = ({ id }: Session): string => `sessions/${id}`;

/** Injects the session that `SignedInGuard` has found. */
export const CurrentSession = createParamDecorator(
  (_data: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<SignedInRequest>().signedIn,
);

/** Injects the account that is signed in. */
export const CurrentAccount = createParamDecorator(
  (_data: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<SignedInRequest>().signedIn?.account,
);
