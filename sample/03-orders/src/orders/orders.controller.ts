import { Body, Controller, Get, HttpCode, Param, ParseIntPipe, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { type Account, CurrentAccount } from '../accounts/account.js';
import { SignedInGuard } from '../accounts/signed-in.guard.js';
import type { Entry, Order } from '../app.events.js';
import { SchemaPipe } from '../schema.pipe.js';
import { ORDER_STATUSES, type OrderStatus } from './order-status.js';
import { type OrderedLine, OrdersService } from './orders.service.js';

const LINES = z
  .array(z.strictObject({ product: z.string(), quantity: z.int().min(1).max(99) }))
  .min(1)
  .max(20)
  .refine((lines) => new Set(lines.map(({ product }) => product)).size === lines.length, 'a product twice');
const PLACED = z.strictObject({ lines: LINES });
const MOVED = z.strictObject({ status: z.enum(ORDER_STATUSES) });
const WRITTEN = z.strictObject({ text: z.string().trim().min(1).max(500) });

@Controller('orders')
@UseGuards(SignedInGuard)
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  list(@CurrentAccount() account: Account): Order[] {
    return this.orders.list(account);
  }

  @Get(':id')
  find(
    @CurrentAccount() account: Account,
    @Param('id', ParseIntPipe) id: number,
  ): { order: Order; entries: Entry[] } {
    return this.orders.find(account, id);
  }

  @Post()
  place(
    @CurrentAccount() account: Account,
    @Body(new SchemaPipe(PLACED)) { lines }: { lines: OrderedLine[] },
  ): Order {
    return this.orders.place(account, lines).order;
  }

  @Post(':id/status')
  @HttpCode(200)
  move(
    @CurrentAccount() account: Account,
    @Param('id', ParseIntPipe) id: number,
    @Body(new SchemaPipe(MOVED)) { status }: { status: OrderStatus },
  ): Order {
    return this.orders.move(account, id, status).order;
  }

  @Post(':id/messages')
  write(
    @CurrentAccount() account: Account,
    @Param('id', ParseIntPipe) id: number,
    @Body(new SchemaPipe(WRITTEN)) { text }: { text: string },
  ): Entry {
    return this.orders.write(account, id, text).entry;
  }
}
