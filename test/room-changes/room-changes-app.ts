import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  NotFoundException,
  Post,
  Query,
  Req,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { SseRoom, SseRoomChanges, type RoomDecision, type SseModuleOptions } from 'nestjs-simple-sse';
import { identifyByQuery } from '../presence/presence-app.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';

class NotBannedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { query } = context.switchToHttp().getRequest<{ query: { user?: string } }>();
    if (query.user === 'banned') throw new UnauthorizedException('banned');
    return true;
  }
}

const NEVER = new Promise<never>(() => {});

/** Decides by the first part of the name: `open/…` is for everybody, the others fail in one way each. */
export async function decide(room: string): Promise<boolean> {
  switch (room.split('/', 1)[0]) {
    case 'open':
      return true;
    case 'closed':
      return false;
    case 'unknown':
      throw new NotFoundException(`There is no ${room}`);
    case 'payed':
      throw new HttpException('Pay first', 402);
    case 'teapot':
      throw new ForbiddenException({ message: ['one', 'two'] });
    case 'broken':
      throw new Error('the database is at 10.0.0.7');
    case 'vague':
      return 'yes' as unknown as boolean;
    default:
      return NEVER;
  }
}

@Controller()
@UseGuards(NotBannedGuard)
export class PageController {
  /** Rooms for which `decide` was called. */
  readonly asked: string[] = [];

  @Get('events')
  @SseRoom('all')
  events(): void {}

  @Post('rooms')
  @SseRoomChanges({ timeoutMs: 300 })
  rooms(): RoomDecision {
    return (room) => {
      this.asked.push(room);
      return decide(room);
    };
  }

  @Post('newest')
  @SseRoomChanges({ replay: 2, maxRooms: 3 })
  newest(@Body('client') client: string, @Query('allowed') allowed?: string): RoomDecision {
    if (client === '') throw new Error('no client');
    return allowed !== 'no';
  }

  @Post('hanging')
  @SseRoomChanges({ timeoutMs: 50 })
  hanging(): Promise<RoomDecision> {
    return NEVER;
  }

  @Post('throwing')
  @SseRoomChanges()
  throwing(@Req() { query }: { query: { status?: string } }): RoomDecision {
    if (query.status !== undefined) throw new HttpException('refused as a whole', Number(query.status));
    throw new Error('the database is at 10.0.0.7');
  }

  @Post('nothing')
  @SseRoomChanges()
  nothing(): void {}
}

export function pageApp(options: SseModuleOptions = {}): Type {
  return sseApp({ controllers: [PageController], options: { identify: identifyByQuery, ...options } });
}

interface PostOptions {
  /** The body in place of JSON. */
  readonly text?: string | Buffer;
  readonly headers?: Record<string, string>;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Sends a change of rooms as a page does. */
export async function change(
  { url }: Pick<RunningApp, 'url'>,
  path: string,
  body: unknown,
  { text = JSON.stringify(body), headers }: PostOptions = {},
): Promise<Answered> {
  const answer = await fetch(`${url}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  });
  const type = answer.headers.get('content-type') ?? '';
  return { status: answer.status, body: type.includes('json') ? await answer.json() : await answer.text() };
}

/** Opens a stream. @returns its client's id, from `sse:ready` */
export async function openPage(app: RunningApp, query = '') {
  const stream = await app.listen(`/events${query}`);
  const { data } = await stream.nextEvent({ control: true });
  const { clientId: client } = JSON.parse(data) as { clientId: string };
  return { stream, client };
}
