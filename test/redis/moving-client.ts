import { redisBroker, type RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import { listenFrom, receivedUntil, startTestApp, textsOf } from '../resume/test-app.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { positionOf } from '../support/wire-ids.js';
import { eventually } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import type { RedisServer } from './redis-server.js';

/** An application whose broker reaches Redis through a proxy of its own. */
export class MovableNode {
  readonly proxy: BlackHoleProxy;
  readonly running: RunningApp;

  /** Subscribes the room, so that the node catches up in it after its connection is cut. */
  readonly #watcher: EventStream;

  private constructor(proxy: BlackHoleProxy, running: RunningApp, watcher: EventStream) {
    this.proxy = proxy;
    this.running = running;
    this.#watcher = watcher;
  }

  static async start(
    server: RedisServer,
    options: Omit<RedisBrokerOptions, 'url'>,
    module: SseModuleOptions = {},
  ): Promise<MovableNode> {
    const proxy = await BlackHoleProxy.start(server.port);
    const broker = redisBroker({ url: proxy.url, connectTimeoutMs: 60_000, ...options });
    const running = await startTestApp({ broker, ...module });
    const watcher = await listenFrom(running, '/in?rooms=a');
    await watcher.nextEvent({ control: true });
    return new MovableNode(proxy, running, watcher);
  }

  async publish(text: string, options: object = {}, room: string | string[] = 'a'): Promise<string> {
    return (await this.running.sse.broadcast(room, undefined, text, options)) as string;
  }

  /** Continues with another server. */
  follow(server: RedisServer): void {
    this.proxy.target = server.port;
    this.proxy.cut();
  }

  /** Continues with another server. Resolves when the clients of the node have been sent the gap of its epoch. */
  async moveTo(server: RedisServer): Promise<void> {
    const gaps = (): number => this.#watcher.events.filter(({ event }) => event === 'sse:gap').length;
    const before = gaps();
    this.follow(server);
    await eventually(() => gaps() > before, 'the gap of the other server', 60_000);
  }

  /** Waits until the node has delivered an event of room `a`. */
  async received(text: string): Promise<void> {
    await eventually(() => this.#watcher.events.some(({ data }) => data === text), text, 60_000);
  }

  async close(): Promise<void> {
    await this.running.close();
    this.proxy.close();
  }
}

/** What a client of room `a` has received over all its connections, and the id that it sends next. */
export class MovingClient {
  readonly received: ReceivedEvent[] = [];
  #stream: EventStream | undefined;

  get id(): string | undefined {
    return this.received.findLast(({ id }) => id !== undefined)?.id;
  }

  async moveTo({ running }: MovableNode): Promise<void> {
    this.leave();
    this.#stream = await listenFrom(running, '/in?rooms=a', this.id);
  }

  leave(): void {
    this.#stream?.close();
  }

  /** Reads up to the event with this text. @returns what came on the way */
  async until(text: string): Promise<ReceivedEvent[]> {
    const received = await receivedUntil(this.#stream as EventStream, text);
    this.received.push(...received);
    return received;
  }

  /** Reads the next event, a control event included. */
  async next(): Promise<ReceivedEvent> {
    const event = await (this.#stream as EventStream).nextEvent({ control: true });
    this.received.push(event);
    return event;
  }

  /** Takes over the id of the block that follows a gap. */
  async position(): Promise<void> {
    const stream = this.#stream as EventStream;
    const last = (): string | undefined => stream.rawText.match(/^id: \S+(?=\n\n$)/m)?.[0];
    await eventually(() => last() !== undefined, 'the id after the gap');
    this.received.push({ event: 'sse:id', data: '', id: last()?.slice('id: '.length) });
  }

  /** Reads the next gap, with what is before it. */
  async nextGap(): Promise<unknown> {
    for (;;) {
      const event = await this.next();
      if (event.event === 'sse:gap') return JSON.parse(event.data);
    }
  }
}

/** Expects these events, and ids that never go back. */
export function expectReceived({ received }: MovingClient, texts: readonly string[]): void {
  expect(textsOf(received)).toEqual(texts);
  const positions = received.flatMap(({ id }) => (id === undefined ? [] : positionOf(id)));
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
}
