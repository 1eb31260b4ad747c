import {
  Controller,
  ForbiddenException,
  Get,
  Param,
  Post,
  UseGuards,
  type CanActivate,
} from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { TestStreamError } from 'nestjs-simple-sse/testing';
import { refusal } from '../support/refusal.js';

class Refuse implements CanActivate {
  canActivate(): boolean {
    throw new ForbiddenException('not yours');
  }
}

@Controller()
export class OrdersController {
  @Get('orders/:id/events')
  @SseRoom('orders/:id')
  events(@Param('id') _id: string): void {}

  @Post('orders/:id/events')
  @SseRoom('orders/:id')
  posted(@Param('id') _id: string): void {}

  @Get('roomless')
  @SseRoom()
  roomless(): void {}

  @Get('refused')
  @UseGuards(Refuse)
  @SseRoom('refused')
  refused(): void {}
}

/** Returns the message of the error of the kit that the call rejects with. */
export async function failure(call: () => Promise<unknown>): Promise<string> {
  const error = await refusal(call);
  if (error instanceof TestStreamError) return error.message;
  throw new Error(`a TestStreamError was expected, not ${String(error)}`, { cause: error });
}
