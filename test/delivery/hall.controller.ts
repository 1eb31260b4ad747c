import { Controller, Get, Header, Post, Query } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, type RoutedRequest } from 'nestjs-simple-sse';
import { Subject } from 'rxjs';

function roomsAsked({ query }: RoutedRequest): string[] {
  return (query['rooms'] ?? '').split(',').filter((room) => room !== '');
}

/** Streams in whatever rooms the query names, on each of the routes that lead to another way of delivery. */
@Controller()
export class HallController {
  /** What each client's handler may still say, by the client's id. */
  readonly sources = new Map<string, Subject<unknown>>();
  /** Runs inside the handler, before the stream opens. */
  onRequest: (client: SseClient) => void = () => {};
  /** Settles what `/ordinary` waits for. */
  answerOrdinary: () => void = () => {};

  @Get('hall')
  @SseRoom(roomsAsked)
  hall(@ConnectedClient() client: SseClient): Subject<unknown> {
    const source = new Subject();
    this.sources.set(client.id, source);
    void client.closed.then(() => this.sources.delete(client.id));
    this.onRequest(client);
    return source;
  }

  /** Without `no-transform`, so that compression() compresses it. */
  @Get('hall-transformed')
  @Header('Cache-Control', 'no-cache')
  @SseRoom(roomsAsked)
  transformed(@ConnectedClient() client: SseClient): Subject<unknown> {
    return this.hall(client);
  }

  /** With a body that nobody reads. */
  @Post('hall')
  @SseRoom(roomsAsked)
  upload(@ConnectedClient() client: SseClient): Subject<unknown> {
    return this.hall(client);
  }

  /** An answer of its own length, with something before it where that is asked for. */
  @Get('ordinary')
  async ordinary(@Query('before') before = '0'): Promise<string> {
    await new Promise<void>((resolve) => (this.answerOrdinary = resolve));
    return `${'.'.repeat(Number(before))}an ordinary answer`;
  }
}
