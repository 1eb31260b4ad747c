import { PATIENCE_MS, eventually } from '../support/within.js';
import { DeliveryController } from './delivery.controller.js';
import { expectedEvent, type ExpectedEvent } from './expected-event.js';
import type { ReceivedStream } from './received-stream.js';
import { TestClient } from './test-client.js';
import type { RunningApp } from '../support/running-app.js';

/** Opens one stream in these rooms, over the transport of the test. */
export type Connect = (running: RunningApp, rooms: readonly string[]) => Promise<ReceivedStream>;

/** Connects the clients of one test, publishes to them and records what each of them must receive. */
export class DeliveryHarness {
  readonly clients: TestClient[] = [];

  constructor(
    readonly running: RunningApp,
    private readonly connect: Connect,
  ) {}

  /** Resolves once the client has received `sse:ready`. */
  async connectClient(...rooms: string[]): Promise<TestClient> {
    const received = await this.connect(this.running, rooms);
    const head = /^(?:retry: \d+\n)?event: sse:ready\ndata: (\{.*\})\nid: .+\n\n/;
    await eventually(() => head.test(received.body.toString('latin1')), 'sse:ready', PATIENCE_MS);
    const [ready = '', data = ''] = head.exec(received.body.toString('latin1')) ?? [];
    const { clientId } = JSON.parse(data) as { clientId: string };
    const sseClient = [...this.running.sse.clients()].find(({ id }) => id === clientId);
    if (sseClient === undefined) throw new Error(`no client ${clientId} on the server`);
    const client = new TestClient(received, sseClient, rooms, ready.length);
    this.clients.push(client);
    return client;
  }

  /** Broadcasts in this turn, and expects the event at every client of these rooms. */
  publish(room: string | readonly string[], event: string | undefined, data: string): void {
    const id = this.running.sse.broadcast(room, event, data);
    const expected = id.then((known) => expectedEvent(event, data, known));
    const rooms = [room].flat();
    for (const client of this.clients)
      if (rooms.some((name) => name === '*' || client.rooms.includes(name))) client.expect(expected);
  }

  /** Sends to one client alone. */
  send(client: TestClient, event: string, data: string): void {
    expect(client.sseClient.send(event, data)).toBe(true);
    client.expect(expectedEvent(event, data));
  }

  /** Emits a message from the Observable that the client's handler returned. */
  emit(client: TestClient, message: object, expected: ExpectedEvent): void {
    const source = this.running.get(DeliveryController).sources.get(client.sseClient.id);
    if (source === undefined) throw new Error('the handler has returned no source');
    source.next(message);
    client.expect(expected);
  }

  async receivedAll(): Promise<void> {
    for (const client of this.clients) await client.receivedAll();
  }

  async verify(): Promise<void> {
    for (const client of this.clients) await client.verify();
  }

  async disconnect(): Promise<void> {
    for (const { received } of this.clients) received.close();
    this.clients.length = 0;
    await eventually(() => this.running.sse.count() === 0, 'every client forgotten');
  }
}
