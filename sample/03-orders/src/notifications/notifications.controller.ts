import { Body, Controller, Get, HttpCode, Post, UseGuards } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import { z } from 'zod';
import { type Account, CurrentAccount } from '../accounts/account.js';
import { SignedInGuard } from '../accounts/signed-in.guard.js';
import type { Notification, ShopEvents } from '../app.events.js';
import { SchemaPipe } from '../schema.pipe.js';
import { NotificationsRepository } from './notifications.repository.js';

const READ = z.strictObject({ upTo: z.int() });

/** Stored, because most people are not looking when something happens; the room of the account only tells those who are. */
@Controller('notifications')
@UseGuards(SignedInGuard)
export class NotificationsController {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly sse: SseService<ShopEvents>,
  ) {}

  @Get()
  unread(@CurrentAccount() { id }: Account): Notification[] {
    return this.notifications.unread(id);
  }

  /** The other tabs and devices of the account take them away too. */
  @Post('read')
  @HttpCode(204)
  async read(
    @CurrentAccount() { id }: Account,
    @Body(new SchemaPipe(READ)) { upTo }: { upTo: number },
  ): Promise<void> {
    this.notifications.read(id, upTo);
    await this.sse.broadcast(`users/${id}`, 'read', { upTo });
  }
}
