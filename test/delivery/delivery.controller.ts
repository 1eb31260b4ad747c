import { Controller, Get, Header, Post, Query } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, type RoutedRequest } from 'nestjs-simple-sse';
import { Subject } from 'rxjs';

function roomsOfQuery({ query }: RoutedRequest): string[] {
  return (query['rooms'] ?? '').split(',').filter((room) => room !== '');
}

/** Returns the path of a stream in these rooms. */
export function streamPath(rooms: readonly string[], path = '/stream'): string {
  return `${path}?rooms=${rooms.join(',')}`;
}

/** Streams in the rooms of the query, with one route for each condition of delivery. */
@Controller()
export class DeliveryController {
  /** The Observables that the handlers returned, by the client's id. */
  readonly sources = new Map<string, Subject<unknown>>();
  /** Runs inside the handler, before the stream opens. */
  onRequest: (client: SseClient) => void = () => {};
  /** Answers the pending request to `/ordinary`. */
  answerOrdinary: () => void = () => {};

  @Get('stream')
  @SseRoom(roomsOfQuery)
  stream(@ConnectedClient() client: SseClient): Subject<unknown> {
    const source = new Subject();
    this.sources.set(client.id, source);
    void client.closed.then(() => this.sources.delete(client.id));
    this.onRequest(client);
    return source;
  }

  /** Has no `no-transform`, so that compression() compresses it. */
  @Get('compressible')
  @Header('Cache-Control', 'no-cache')
  @SseRoom(roomsOfQuery)
  compressible(@ConnectedClient() client: SseClient): Subject<unknown> {
    return this.stream(client);
  }

  @Get('compress')
  @SseRoom(roomsOfQuery, { compress: true })
  compress(@ConnectedClient() client: SseClient): Subject<unknown> {
    return this.stream(client);
  }

  /** Leaves the body of the request unread. */
  @Post('stream')
  @SseRoom(roomsOfQuery)
  upload(@ConnectedClient() client: SseClient): Subject<unknown> {
    return this.stream(client);
  }

  /** Answers with a `Content-Length`, with `before` bytes ahead of the text. */
  @Get('ordinary')
  async ordinary(@Query('before') before = '0'): Promise<string> {
    await new Promise<void>((resolve) => (this.answerOrdinary = resolve));
    return `${'.'.repeat(Number(before))}an ordinary answer`;
  }
}
