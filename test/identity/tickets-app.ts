import {
  Body,
  Controller,
  Get,
  Post,
  Req,
  Res,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import {
  ConnectedClient,
  SseClient,
  SseRoom,
  SseService,
  SseTicketGuard,
  ticketOf,
  ticketRooms,
  type IssueOptions,
  type SseModuleOptions,
} from 'nestjs-simple-sse';
import { sseApp } from '../support/sse-app.js';

/** A guard that knows the user of a ticket. */
class NotBob implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return ticketOf(context.switchToHttp().getRequest())?.user !== 'bob';
  }
}

@Controller()
export class TicketController {
  constructor(private readonly sse: SseService) {}

  @Post('tickets')
  async issue(@Body() options: IssueOptions): Promise<{ ticket: string }> {
    return { ticket: await this.sse.tickets.issue(options) };
  }

  @Get('orders/:id')
  @SseRoom('orders/:id')
  orders(@ConnectedClient() client: SseClient): void {
    client.send('ticket', ticketOf(client.request) ?? null);
  }

  @Get('granted')
  @SseRoom(ticketRooms)
  granted(): void {}

  @Get('guarded')
  @UseGuards(SseTicketGuard, NotBob)
  @SseRoom('news')
  guarded(): void {}

  @Get('failing')
  @SseRoom('orders/7')
  failing(): void {
    throw new Error('no database');
  }

  @Get('raw')
  @UseGuards(SseTicketGuard)
  raw(@Req() request: object, @Res() response: object): void {
    this.sse.add(request, response, { rooms: 'orders/7' });
  }
}

export function ticketApp(options: SseModuleOptions = {}): Type {
  return sseApp({ controllers: [TicketController], options });
}

/** The pair of name and value of each cookie that an answer sets, as a browser sends it back. */
export function cookieOf(headers: Record<string, string | string[] | undefined>): string {
  return [headers['set-cookie'] ?? []]
    .flat()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
