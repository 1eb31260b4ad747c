import {
  Body,
  Controller,
  Get,
  HttpCode,
  Ip,
  Post,
  Res,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { CookieOptions, Response } from 'express';
import { SseService } from 'nestjs-simple-sse';
import { z } from 'zod';
import { SchemaPipe } from '../schema.pipe.js';
import { ShopOptions } from '../shop-options.js';
import { type Account, CurrentAccount, CurrentSession, type Session, sessionRoom } from './account.js';
import { AccountsRepository } from './accounts.repository.js';
import { FailedSignIns } from './failed-sign-ins.js';
import { SESSION_COOKIE, SignedInGuard } from './signed-in.guard.js';
import { SESSION_MS, SessionsRepository } from './sessions.repository.js';

const CREDENTIALS = z.strictObject({ account: z.string().max(64), password: z.string().max(256) });
type Credentials = z.infer<typeof CREDENTIALS>;

@Controller('account')
export class AccountsController {
  private readonly cookie: CookieOptions;

  constructor(
    private readonly accounts: AccountsRepository,
    private readonly sessions: SessionsRepository,
    private readonly failures: FailedSignIns,
    private readonly sse: SseService,
    { secureCookies }: ShopOptions,
  ) {
    this.cookie = { httpOnly: true, sameSite: 'strict', secure: secureCookies, path: '/' };
  }

  @Get()
  @UseGuards(SignedInGuard)
  current(@CurrentAccount() account: Account): Account {
    return account;
  }

  /** For pages: the session is a cookie that scripts cannot read. */
  @Post('login')
  @HttpCode(200)
  async login(
    @Body(new SchemaPipe(CREDENTIALS)) credentials: Credentials,
    @Ip() address: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Account> {
    const { token, session } = await this.begin(credentials, address);
    response.cookie(SESSION_COOKIE, token, { ...this.cookie, maxAge: SESSION_MS });
    return session.account;
  }

  /** For apps and devices without cookies: the session is a bearer token. Their streams need a ticket. */
  @Post('token')
  @HttpCode(200)
  async token(
    @Body(new SchemaPipe(CREDENTIALS)) credentials: Credentials,
    @Ip() address: string,
  ): Promise<{ token: string; expiresAt: number }> {
    const { token, session } = await this.begin(credentials, address);
    return { token, expiresAt: session.expiresAt };
  }

  /** Ends the session and its streams, in all tabs. Those that come back are answered with 401. */
  @Post('logout')
  @HttpCode(204)
  @UseGuards(SignedInGuard)
  async logout(
    @CurrentSession() session: Session,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    this.sessions.end(session);
    response.clearCookie(SESSION_COOKIE, this.cookie);
    await this.sse.disconnect({ room: sessionRoom(session) });
  }

  private async begin(
    { account, password }: Credentials,
    address: string,
  ): Promise<{ token: string; session: Session }> {
    this.failures.check(address);
    const known = await this.accounts.authenticate(account, password);
    if (known !== undefined) return this.sessions.begin(known);
    this.failures.count(address);
    throw new UnauthorizedException('Unknown account, or wrong password');
  }
}
