import { connect, type ClientHttp2Session } from 'node:http2';
import { SseService } from 'nestjs-simple-sse';
import { openTestStream, type TestStream, type TestStreamOptions } from 'nestjs-simple-sse/testing';
import { faultsOf, openStream, type EventStream, type OpenOptions } from './event-stream.js';
import { portOf } from './port-of.js';
import { eventually, SAFETY_MS, within } from './within.js';
import type { Server } from 'node:http';
import type { INestApplication, Type } from '@nestjs/common';
import type { CollectingLogger } from './collecting-logger.js';

/** A listening application and the clients that a spec opened on it. */
export class RunningApp {
  readonly url: string;
  readonly sse: SseService;
  readonly server: Server;

  private readonly streams: EventStream[] = [];
  private readonly testStreams: TestStream[] = [];
  private session: ClientHttp2Session | undefined;
  private closing: Promise<void> | undefined;

  constructor(
    readonly app: INestApplication,
    readonly logger: CollectingLogger,
    scheme: 'http' | 'https',
    private readonly http2: boolean,
  ) {
    this.server = app.getHttpServer();
    this.url = `${scheme}://127.0.0.1:${portOf(this.server)}`;
    this.sse = app.get(SseService, { strict: false });
  }

  get<T>(token: Type<T>): T {
    return this.app.get(token, { strict: false });
  }

  /** Sends a request and resolves at the response head, with any status. */
  async open(path: string, options: OpenOptions = {}): Promise<EventStream> {
    const session = this.http2 ? this.sharedSession() : undefined;
    const stream = await openStream(this.url + path, session ? { session, ...options } : options);
    this.streams.push(stream);
    return stream;
  }

  /** Opens a stream; throws when the answer is no open event stream. */
  async listen(path: string, options: OpenOptions = {}): Promise<EventStream> {
    const stream = await this.open(path, options);
    if (stream.status !== 200 || !stream.isEventStream) {
      const body = stream.status === 200 ? '' : await stream.text();
      throw new Error(`${path} answered ${stream.status} ${String(stream.headers['content-type'])} ${body}`);
    }
    return stream;
  }

  /** Opens a stream with the test kit, as the users of the package do. */
  async openTest(path: string, options: TestStreamOptions = {}): Promise<TestStream> {
    const stream = await openTestStream(this.url + path, {
      http2: this.http2,
      timeoutMs: SAFETY_MS,
      ...options,
    });
    this.testStreams.push(stream);
    return stream;
  }

  /** Closes the streams of the spec; throws unless all were well-formed and the server forgets their clients. */
  async disconnectAll(): Promise<void> {
    await this.closeStreams();
    const faults = [
      ...this.streams.splice(0).flatMap(({ parseErrors }) => parseErrors),
      ...this.testStreams.splice(0).flatMap(({ text }) => faultsOf(text)),
    ];
    if (faults.length > 0) throw new Error(`the parser refused what was sent: ${faults.join('; ')}`);
    await eventually(
      () => this.sse.count() === 0,
      `no client left on the server; left: ${this.sse.count()} in [${[...this.sse.rooms()].join(', ')}]`,
    );
  }

  /** Ends the clients first, so that a spec about something else does not depend on shutdown. */
  async close(): Promise<void> {
    await this.closeStreams();
    this.session?.destroy();
    // Node's own `fetch` opens spare connections, for which `server.close()` would wait.
    if (!this.http2) this.server.closeAllConnections();
    await this.shutDown();
  }

  /** Runs `app.close()`, with the clients still connected. */
  shutDown(): Promise<void> {
    this.closing ??= within(this.app.close(), 'app.close()');
    return this.closing;
  }

  private async closeStreams(): Promise<void> {
    for (const stream of this.streams) stream.close();
    await Promise.all(this.testStreams.map((stream) => stream[Symbol.asyncDispose]()));
  }

  private sharedSession(): ClientHttp2Session {
    if (!this.session || this.session.closed || this.session.destroyed) {
      this.session = connect(this.url, { rejectUnauthorized: false });
      this.session.on('error', () => {});
    }
    return this.session;
  }
}
