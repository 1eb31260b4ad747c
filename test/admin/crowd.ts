import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { SseClient, SseService } from 'nestjs-simple-sse';

export interface Member {
  readonly rooms: readonly string[];
  readonly user?: string;
  /** Takes no bytes, as the socket of a client that does not read. */
  readonly isDeaf?: boolean;
}

/** Takes all bytes, or none. */
class Sink extends Duplex {
  constructor(private readonly isDeaf: boolean) {
    super({ writableHighWaterMark: 1_024 });
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    if (!this.isDeaf) done();
  }
}

/** Opens streams within the process, without a socket: thousands in a second. */
export function crowd(sse: SseService, members: Iterable<Member>): SseClient[] {
  return Array.from(members, ({ rooms, user, isDeaf = false }) => {
    const request = Object.assign(new IncomingMessage(new Socket()), {
      method: 'GET',
      url: '/events',
      query: { user },
    });
    const response = new ServerResponse(request);
    response.assignSocket(new Sink(isDeaf) as unknown as Socket);
    return sse.add(request, response, { rooms: [...rooms] });
  });
}
