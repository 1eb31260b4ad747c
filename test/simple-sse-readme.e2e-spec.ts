import { once } from 'node:events';
import { createServer } from 'node:http';
import { Controller, Get, Injectable, Module, Param, Req, Res } from '@nestjs/common';
import { EventSource } from 'eventsource';
import { SseService, type SseClient } from 'nestjs-simple-sse';
import { openStream, type EventStream, type ReceivedEvent } from './support/event-stream.js';
import { platforms } from './support/platforms.js';
import { portOf } from './support/port-of.js';
import { sseApp } from './support/sse-app.js';
import { eventually, someTurns, within } from './support/within.js';
import type { RunningApp } from './support/running-app.js';

/**
 * The README of simple-sse 0.0.3 (npm), sentence by sentence and in its order, with the injected `SseService` in the
 * place of its `sse`. Each title states a promise of that README.
 */

let latest: SseClient | undefined;

/** The two routes of that README. */
@Controller()
class RealtimeController {
  constructor(private readonly sse: SseService) {}

  @Get('realtime')
  realtime(@Req() request: unknown, @Res() response: unknown): void {
    latest = this.sse.add(request, response);
  }

  @Get('room/:roomId')
  room(@Param('roomId') roomId: string, @Req() request: unknown, @Res() response: unknown): void {
    const client = this.sse.add(request, response);
    void this.sse.join(client, parseInt(roomId));
    latest = client;
  }
}

/** Another part of the application, which only injects the service. */
@Injectable()
class Elsewhere {
  constructor(readonly sse: SseService) {}
}

@Module({ providers: [Elsewhere], exports: [Elsewhere] })
class ElsewhereModule {}

interface ConnectedPair {
  readonly stream: EventStream;
  readonly client: SseClient;
}

describe.each(platforms)('the README of simple-sse, on $name', (platform) => {
  let running: RunningApp;
  let sse: SseService;

  beforeAll(async () => {
    running = await platform.start(sseApp({ imports: [ElsewhereModule], controllers: [RealtimeController] }));
    sse = running.sse;
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  async function connectClient(path = '/realtime'): Promise<ConnectedPair> {
    latest = undefined;
    const stream = await running.listen(path);
    if (latest === undefined) throw new Error('the handler did not run');
    return { stream, client: latest };
  }

  /** Returns all events that a client receives until a last one, which this function sends. */
  async function receivedBy({ stream }: ConnectedPair): Promise<ReceivedEvent[]> {
    await sse.broadcast('*', 'that-was-all', '');
    const events: ReceivedEvent[] = [];
    for (;;) {
      const event = await stream.nextEvent();
      if (event.event === 'that-was-all') return events;
      events.push(event);
    }
  }

  describe('usage', () => {
    it('is one instance for the whole application, wherever it is injected', async () => {
      const { client } = await connectClient();
      const other = running.get(Elsewhere).sse;
      expect(other).toBe(sse);
      expect(other.clients().has(client)).toBe(true);
    });

    it('needs an HTTP server, Express or another', async () => {
      const server = createServer((request, response) => {
        void sse.join(sse.add(request, response), 'plain');
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const stream = await openStream(`http://127.0.0.1:${portOf(server)}/`);
      await sse.broadcast('plain', 'hello');
      expect(await stream.nextEvent()).toMatchObject({ event: 'message', data: 'hello' });
      stream.close();
      await eventually(() => sse.count('plain') === 0, 'the client to leave');
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
  });

  describe('add(request, response)', () => {
    it('registers a client with its own pair, in an ordinary route', async () => {
      const { stream } = await connectClient();
      expect([stream.status, stream.isEventStream, sse.count()]).toEqual([200, true, 1]);
    });

    it('returns the client', async () => {
      const { client, stream } = await connectClient();
      expect([...sse.clients()]).toEqual([client]);
      sse.send(client, 'for you');
      expect(await stream.nextEvent()).toMatchObject({ data: 'for you' });
    });
  });

  describe('setRetry(client, retry)', () => {
    it('sends the interval to that client alone', async () => {
      const [one, two] = [await connectClient(), await connectClient()];
      sse.setRetry(one.client, 4_321);
      await one.stream.receivedRetry(4_321);
      await receivedBy(two);
      expect(two.stream.retries).not.toContain(4_321);
    });

    it('makes a browser that loses its connection wait as long before it reconnects', async () => {
      const source = new EventSource(`${running.url}/realtime`);
      await within(once(source, 'open'), 'open');
      const [first] = [...sse.clients()] as [SseClient];
      sse.setRetry(first, 150);
      sse.send(first, 'sent');
      await within(once(source, 'message'), 'the event');
      const leftMs = performance.now();
      first.close();
      await eventually(() => sse.count() === 1 && !sse.clients().has(first), 'the return');
      // Not sooner; how much later depends on the machine.
      expect(performance.now() - leftMs).toBeGreaterThanOrEqual(140);
      source.close();
    });
  });

  describe('join(client, room)', () => {
    it('puts the client into a room', async () => {
      const pair = await connectClient();
      expect(await sse.join(pair.client, 'lobby')).toBe(true);
      await sse.broadcast('lobby', 'in the lobby');
      expect(await receivedBy(pair)).toMatchObject([{ data: 'in the lobby' }]);
    });

    it('puts a client into several rooms', async () => {
      const pair = await connectClient();
      for (const room of ['a', 'b', 3]) await sse.join(pair.client, room);
      for (const room of ['a', 'b', 3]) await sse.broadcast(room, `in ${room}`);
      expect((await receivedBy(pair)).map(({ data }) => data)).toEqual(['in a', 'in b', 'in 3']);
    });

    it.each([0, 7])('puts a client into room %i of a route parameter, right after add', async (room) => {
      const [inside, outside] = [
        await connectClient(`/room/${room}`),
        await connectClient(`/room/${room + 1}`),
      ];
      expect(sse.in(inside.client, room)).toBe(true);
      await sse.broadcast(room, 'news', { room });
      expect(await receivedBy(inside)).toMatchObject([{ event: 'news', data: `{"room":${room}}` }]);
      expect(await receivedBy(outside)).toMatchObject([]);
    });
  });

  describe('leave(client, room)', () => {
    it('takes it out of that room and no other', async () => {
      const pair = await connectClient('/room/0');
      await sse.join(pair.client, 'stays');
      sse.leave(pair.client, 0);
      expect([sse.in(pair.client, 0), sse.in(pair.client, 'stays')]).toEqual([false, true]);
      await sse.broadcast(0, 'missed');
      await sse.broadcast('stays', 'received');
      expect(await receivedBy(pair)).toMatchObject([{ data: 'received' }]);
    });
  });

  describe('in(client, room)', () => {
    it('returns whether the client is in the room', async () => {
      const { client } = await connectClient('/room/5');
      expect([sse.in(client, 5), sse.in(client, '5'), sse.in(client, 6)]).toEqual([true, true, false]);
    });

    it('is always true for "*"', async () => {
      const { client } = await connectClient();
      expect(sse.in(client, '*')).toBe(true);
      sse.leave(client, '*');
      expect(sse.in(client, '*')).toBe(true);
    });
  });

  describe('send(client, [event], data)', () => {
    it('sends an event to that client alone', async () => {
      const [one, two] = [await connectClient('/room/1'), await connectClient('/room/1')];
      sse.send(one.client, 'secret', 'for one');
      expect(await receivedBy(one)).toMatchObject([{ event: 'secret', data: 'for one' }]);
      expect(await receivedBy(two)).toEqual([]);
    });

    it('sends without an event name', async () => {
      const pair = await connectClient();
      sse.send(pair.client, 'only data');
      expect(await receivedBy(pair)).toMatchObject([{ event: 'message', data: 'only data' }]);
    });

    it('sends data of several lines, and objects', async () => {
      const pair = await connectClient();
      const lines = 'Lorem ipsum\ndolor sit\namet.\n\nLorem.';
      sse.send(pair.client, lines);
      sse.send(pair.client, 'object', { text: lines, list: [1, null] });
      sse.send(pair.client, 7);
      const [text, object, number] = await receivedBy(pair);
      expect(text?.data).toBe(lines);
      expect(JSON.parse(object?.data ?? '')).toEqual({ text: lines, list: [1, null] });
      expect(number?.data).toBe('7');
    });
  });

  describe('broadcast(room, [event], data)', () => {
    it('sends an event to each client of the room', async () => {
      const inside = [
        await connectClient('/room/1'),
        await connectClient('/room/1'),
        await connectClient('/room/1'),
      ];
      const outside = [await connectClient('/room/2'), await connectClient()];
      await sse.broadcast(1, 'news', { n: 1 });
      await sse.broadcast('1', 'without a name');
      for (const pair of inside) {
        expect(await receivedBy(pair)).toMatchObject([
          { event: 'news', data: '{"n":1}' },
          { event: 'message', data: 'without a name' },
        ]);
      }
      for (const pair of outside) expect(await receivedBy(pair)).toEqual([]);
    });

    it('sends to all clients when the room is "*"', async () => {
      const pairs = [await connectClient('/room/1'), await connectClient('/room/2'), await connectClient()];
      await sse.broadcast('*', 'news', 1);
      for (const { stream } of pairs)
        expect(await stream.nextEvent()).toMatchObject({ event: 'news', data: '1' });
    });
  });

  describe('remove(client)', () => {
    it('forgets the client, and does not close its connection', async () => {
      const pair = await connectClient('/room/1');
      sse.remove(pair.client);
      expect([sse.count(), sse.count(1), sse.rooms()]).toEqual([0, 0, []]);
      await sse.broadcast('*', 'missed', 1);
      await someTurns();
      expect(pair.stream.isOpen).toBe(true);
      expect(pair.stream.events.filter(({ event }) => event !== 'sse:ready')).toEqual([]);
    });

    it('is what happens by itself when a client closes its connection', async () => {
      const pair = await connectClient('/room/1');
      pair.stream.close();
      expect(await within(pair.client.closed, 'the end')).toBe('client-gone');
      expect([sse.count(), sse.rooms()]).toEqual([0, []]);
    });
  });

  describe('heartbeat', () => {
    it('is an interval in milliseconds, 20,000 unless set', async () => {
      expect(sse.internals.options.heartbeatIntervalMs).toBe(20_000);
      const beating = await platform.start(
        sseApp({ options: { heartbeatIntervalMs: 40 }, controllers: [RealtimeController] }),
      );
      const stream = await beating.listen('/realtime');
      await stream.receivedComments(3);
      expect(stream.events).toEqual([]);
      await beating.close();
    });
  });

  describe('client-side', () => {
    it('receives named events in their listeners and others in onmessage, after onopen; onerror may close', async () => {
      const source = new EventSource(`${running.url}/room/9`);
      const calls: string[] = [];
      source.addEventListener('eventName', ({ data }) => calls.push(`eventName: ${data}`));
      // oxlint-disable unicorn/prefer-add-event-listener -- as its README does
      source.onmessage = ({ data }) => calls.push(`onmessage: ${data}`);
      source.onopen = () => calls.push('onopen');
      source.onerror = () => {
        calls.push('onerror');
        source.close();
      };
      // oxlint-enable unicorn/prefer-add-event-listener
      await eventually(() => calls.includes('onopen') && sse.count(9) === 1, 'open');
      // This EventSource keeps its timer for the return, even when it is closed.
      for (const client of sse.clients(9)) sse.setRetry(client, 10);
      await sse.broadcast(9, 'eventName', 'named');
      await sse.broadcast(9, 'nameless');
      await sse.broadcast(9, 'unknown', 'no listener');
      await sse.broadcast(9, 'last');
      await eventually(() => calls.length === 4, 'all events');
      for (const client of sse.clients(9)) client.close();
      await eventually(() => source.readyState === EventSource.CLOSED, 'the close');
      expect(calls).toEqual([
        'onopen',
        'eventName: named',
        'onmessage: nameless',
        'onmessage: last',
        'onerror',
      ]);
      await someTurns();
      expect(sse.count()).toBe(0);
    });
  });

  it('logs no warning and no error', () => {
    expect(running.logger.complaints).toEqual([]);
  });
});
