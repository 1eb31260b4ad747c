import { Controller, Get, HttpException, NotFoundException, Post, Req, type Type } from '@nestjs/common';
import { SseRoom, SseRoomChanges, type RoomDecision, type SseModuleOptions } from 'nestjs-simple-sse';
import { sseApp } from '../support/sse-app.js';

/** Body of a request that changes rooms. */
export interface ChangesBody {
  readonly session: string;
  readonly join: readonly string[];
  readonly leave: readonly string[];
}

/** A stream in the room `news`, and the route by which a page changes its rooms. */
@Controller()
export class RoomsController {
  /** Bodies of the requests, also of those that failed. */
  readonly requests: ChangesBody[] = [];
  /** Status with which requests fail. */
  failure: number | undefined;

  @Get('events')
  @SseRoom('news')
  events(): void {}

  /** Refuses rooms whose names begin with `secret`, and knows none that begin with `no`. */
  @Post('rooms')
  @SseRoomChanges()
  rooms(@Req() { body }: { body: ChangesBody }): RoomDecision {
    this.requests.push(body);
    if (this.failure !== undefined) throw new HttpException('out of order', this.failure);
    return (room) => {
      if (room.startsWith('no')) throw new NotFoundException(`There is no ${room}`);
      return !room.startsWith('secret');
    };
  }
}

export function roomsApp(options: SseModuleOptions = {}): Type {
  return sseApp({ controllers: [RoomsController], options: { retryMs: 20, ...options } });
}
