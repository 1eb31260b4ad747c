import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { AppModule } from '../../sample/00-quick-start/src/app.module.js';
import type { Welcome } from '../../sample/00-quick-start/src/app.events.js';
import { serveClient } from '../client/served-client.js';
import { openStream, type EventStream } from '../support/event-stream.js';

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** Runs the sample as `npm start` does, on a free port. */
export class SampleApp {
  readonly url: string;
  private readonly streams: EventStream[] = [];

  private constructor(private readonly app: INestApplication) {
    const { port }: AddressInfo = app.getHttpServer().address();
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<SampleApp> {
    const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'], abortOnError: false });
    // In a build of the sample its own controller serves the client, compiled beside it.
    serveClient(app);
    await app.listen(0);
    return new SampleApp(app);
  }

  get(path: string): Promise<Response> {
    return fetch(this.url + path);
  }

  async post(path: string, body: unknown): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : {} };
  }

  async listen(path: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const stream = await openStream(this.url + path, { headers });
    this.streams.push(stream);
    return stream;
  }

  async close(): Promise<void> {
    for (const stream of this.streams) stream.close();
    await this.app.close();
  }
}

/** A page without a browser: its stream, and its requests. */
export class SampleClient {
  private constructor(
    private readonly app: SampleApp,
    readonly stream: EventStream,
    readonly welcome: Welcome,
  ) {}

  static async connect(
    app: SampleApp,
    query = '',
    headers: Record<string, string> = {},
  ): Promise<SampleClient> {
    const stream = await app.listen(`/events${query}`, headers);
    const { data } = await nextNamed<Welcome>(stream, 'welcome');
    return new SampleClient(app, stream, data);
  }

  post(path: string, body: Record<string, unknown> = {}): Promise<Answer> {
    const { clientId, token } = this.welcome;
    return this.app.post(path, { clientId, token, ...body });
  }

  postMessage(room: string, text: string): Promise<Answer> {
    return this.post(`/chat/rooms/${room}/messages`, { text });
  }

  nextEvent(event: string): Promise<Received<Record<string, unknown>>> {
    return nextNamed(this.stream, event);
  }
}

export interface Received<Data> {
  id: string | undefined;
  data: Data;
}

/** Returns the next event of this name, and skips others. */
async function nextNamed<Data>(stream: EventStream, name: string): Promise<Received<Data>> {
  for (;;) {
    const { event, id, data } = await stream.nextEvent({ control: true });
    if (event === name) return { id, data: JSON.parse(data) };
  }
}
