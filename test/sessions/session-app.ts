import { Controller, Get, type Type } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { randomUUID } from 'node:crypto';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';

/** Streams in the room `news`, and streams without rooms. */
@Controller()
export class SessionController {
  readonly clients: SseClient[] = [];

  @Get('news')
  @SseRoom('news')
  news(@ConnectedClient() client: SseClient): void {
    this.clients.push(client);
  }

  @Get('none')
  @SseRoom()
  none(@ConnectedClient() client: SseClient): void {
    this.clients.push(client);
  }
}

/** A module whose clients have the user of the query. */
export function sessionApp(options: SseModuleOptions = {}): Type {
  return sseApp({
    controllers: [SessionController],
    options: {
      identify: ({ request }) => {
        const { user } = (request as { query: { user?: string } }).query;
        return user === undefined ? undefined : { user };
      },
      ...options,
    },
  });
}

interface Ready {
  readonly clientId: string;
  readonly resumed: string;
  readonly restored?: string[];
}

/** A page with one session, whose stream a test cuts and opens again at some node. */
export class SessionPage {
  readonly key: string;
  readonly #path: string;
  #stream: EventStream | undefined;
  #ready: Ready | undefined;
  lastEventId: string | undefined;

  constructor({
    key = randomUUID(),
    user,
    path = '/news',
  }: { key?: string; user?: string; path?: string } = {}) {
    this.key = key;
    this.#path = `${path}?session=${key}${user === undefined ? '' : `&user=${user}`}`;
  }

  get stream(): EventStream {
    if (this.#stream === undefined) throw new Error('no stream');
    return this.#stream;
  }

  get ready(): Ready {
    if (this.#ready === undefined) throw new Error('no sse:ready');
    return this.#ready;
  }

  /** Opens the stream and reads `sse:ready`. */
  async connect(app: RunningApp): Promise<SseClient> {
    const headers: Record<string, string> =
      this.lastEventId === undefined ? {} : { 'last-event-id': this.lastEventId };
    this.#stream = await app.listen(this.#path, { headers });
    const ready = this.#keep(await this.#stream.nextEvent({ control: true }));
    expect(ready.event).toBe('sse:ready');
    this.#ready = JSON.parse(ready.data) as Ready;
    const { clientId } = this.#ready;
    const client = [...app.sse.clients()].find(({ id }) => id === clientId);
    if (client === undefined) throw new Error('no client');
    return client;
  }

  /** Cuts the stream, and waits until its node knows. */
  async cut(client: SseClient): Promise<void> {
    this.stream.close();
    await client.closed;
  }

  async next(): Promise<ReceivedEvent> {
    return this.#keep(await this.stream.nextEvent({ control: true }));
  }

  /** Publishes an event that every page receives, and returns the texts and gaps up to it. */
  async untilNow(app: RunningApp, room = 'news'): Promise<string[]> {
    const end = randomUUID();
    await app.sse.broadcast(room, end);
    const received: string[] = [];
    for (;;) {
      const { event, data } = await this.next();
      if (data === end) return received;
      received.push(event === 'sse:gap' ? `gap ${data}` : data);
    }
  }

  #keep(event: ReceivedEvent): ReceivedEvent {
    if (event.id !== undefined && event.id !== '') this.lastEventId = event.id;
    return event;
  }
}
