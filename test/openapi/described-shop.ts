import { once } from 'node:events';
import { Controller, Get, Module, Param, Post, UseGuards, type CanActivate, type Type } from '@nestjs/common';
import { ApiExtension, ApiOkResponse, ApiOperation, ApiParam, ApiQuery } from '@nestjs/swagger';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import {
  RunSignal,
  SseModule,
  SseRoom,
  SseRoomChanges,
  SseRun,
  SseRunTail,
  SseTicketGuard,
  ticketRooms,
  type RoomDecision,
  type SseModuleOptions,
} from 'nestjs-simple-sse';
import { defineEvents, typeOnly } from 'nestjs-simple-sse/contract';
import { SseHttpApiModule } from 'nestjs-simple-sse/http-api';
import * as v from 'valibot';
import { z } from 'zod';

const category = z.object({
  name: z.string(),
  get children() {
    return z.array(category);
  },
});

/** Data of every kind, with schemas of three libraries and types alone. */
export const events = defineEvents({
  'orders/:id': {
    paid: z.object({ amount: z.number().gt(0).nullable(), paidAt: z.date(), currency: z.literal('EUR') }),
    moved: z.tuple([z.number(), z.number()]),
    shipped: toStandardJsonSchema(
      v.object({ carrier: v.picklist(['post', 'bike']), note: v.nullish(v.string()) }),
    ),
    packed: type({
      boxes: 'number.integer > 0',
      by: 'string | null',
      at: 'Date',
      'kind?': "'gift' | 'plain'",
    }),
    sorted: category,
    placed: typeOnly<{ placedAt: Date }>(),
  },
  'orders/all': { count: type('number.integer') },
  'chat/:room': { message: z.string().max(500), reacted: z.union([z.string(), z.number()]) },
  '*': { notice: z.object({ text: z.string() }).meta({ id: 'Notice' }) },
});

class Guard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Controller()
class ShopController {
  @Get('orders/:id/events')
  @SseRoom('orders/:id')
  order(@Param('id') _id: string): void {}

  @Get('orders-of-all')
  @UseGuards(Guard)
  @SseRoom('orders/all')
  all(): void {}

  @Get('any')
  @SseRoom()
  any(): void {}

  @Get('by-ticket')
  @UseGuards(SseTicketGuard)
  @SseRoom(ticketRooms)
  byTicket(): void {}

  @Get('pure')
  @SseRoom({ control: false })
  pure(): void {}

  @Post('answers/:id')
  @SseRun('answers/:id', { whenRunning: 'conflict' })
  async *answer(
    @Param('id') id: string,
    @RunSignal() signal: AbortSignal,
  ): AsyncGenerator<{ event: string; data: string }> {
    yield { event: 'token', data: id };
    if (id === 'slow') await once(signal, 'abort');
  }

  @Get('answers/:id')
  @SseRunTail('answers/:id', { whenMissing: 'not-found' })
  follow(@Param('id') _id: string): void {}

  @Get('own')
  @ApiOperation({ summary: 'of the application' })
  @ApiOkResponse({
    description: 'of the application',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiQuery({ name: 'lastEventId', description: 'of the application', required: true })
  @ApiExtension('x-own', { kept: true })
  @SseRoom('chat/7')
  own(): void {}

  @Post('rooms')
  @SseRoomChanges()
  rooms(): RoomDecision {
    return true;
  }

  @Get('plain/:id')
  @ApiParam({ name: 'id' })
  plain(): string {
    return 'plain';
  }
}

/** An application with each kind of stream, the HTTP API and a route for rooms. */
export function describedShop(options: SseModuleOptions = {}): Type {
  @Module({
    imports: [
      SseModule.forRoot({ events, ...options }),
      SseHttpApiModule.forRoot({ keys: ['k'.repeat(32)] }),
    ],
    controllers: [ShopController],
  })
  class ShopModule {}
  return ShopModule;
}
