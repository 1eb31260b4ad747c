import { Controller, Get, Req, Res } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { RawSocket } from '../support/raw-socket.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause, someTurns } from '../support/within.js';
import { UnixSocketListener, socketFull } from './unix-socket-listener.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { RawConnection } from './raw-connection.js';
import { readOrdinaryAnswer } from './transports.js';
import type { CloseReason, SseClient, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

describe.each(platforms)('a stream pipelined behind another answer, on $name,', (platform) => {
  let running: RunningApp;
  let connection: RawConnection;
  let reasons: CloseReason[];

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(
      sseApp({
        controllers: [DeliveryController],
        options: { heartbeatIntervalMs: 20, maxQueuedBytes: 300_000, ...options },
      }),
    );
    connection = RawConnection.tcp(portOf(running.server));
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  }
  afterEach(async () => {
    connection.socket.destroy();
    await eventually(() => running.sse.count() === 0, 'every client forgotten');
    expect([...running.sse.rooms()]).toEqual([]);
    expect(running.logger.complaints).toEqual([]);
    await running.close();
  });

  async function clients(count: number): Promise<SseClient[]> {
    await eventually(() => running.sse.count() === count, `${count} clients`);
    return [...running.sse.clients()];
  }

  it.each([300, 3_000, 20_000])(
    'receives what is published before, while and after the first answer ends; events of up to %i bytes',
    async (bytes) => {
      await start({ maxQueuedBytes: 10_000_000 });
      connection.get('/ordinary').get(streamPath(['lobby']));
      await clients(1);
      const data: string[] = [];
      const publishNext = (): void => {
        data.push(`${data.length} ${'e'.repeat((data.length * 7_919) % bytes)}`);
        void running.sse.broadcast('lobby', 'n', data.at(-1));
      };
      for (let n = 0; n < 200; n++) publishNext();
      await someTurns(10);
      for (let n = 0; n < 20; n++) publishNext();
      running.get(DeliveryController).answerOrdinary();
      for (let n = 0; n < 100; n++) {
        publishNext();
        if (n % 5 === 0) await someTurns(1);
      }
      await readOrdinaryAnswer(connection);
      const received = await connection.answer();
      for (let n = 0; n < 50; n++) publishNext();
      await running.sse.broadcast('lobby', 'end', 'of all');
      await eventually(() => received.body.includes('event: end'), 'the last event');
      const texts = received.parsed().events.flatMap(({ event, data: text }) => (event === 'n' ? text : []));
      expect(texts.map((text) => text.length)).toEqual(data.map((text) => text.length));
      expect(texts).toEqual(data);
    },
  );

  it('is closed with the connection, as client-gone, when the answer before it never ends', async () => {
    await start();
    connection.get('/ordinary').get(streamPath(['lobby']));
    await clients(1);
    connection.socket.destroy();
    await eventually(() => reasons.length === 1, 'its end');
    expect(reasons).toEqual(['client-gone']);
    await running.sse.broadcast('*', 'n', 'to no client');
  });

  it('is cut as slow-consumer when more than maxQueuedBytes waits for its turn', async () => {
    await start();
    connection.get('/ordinary').get(streamPath(['lobby']));
    await clients(1);
    for (let n = 0; n < 20; n++) {
      await running.sse.broadcast('lobby', 'n', 'x'.repeat(100_000));
      await someTurns(2);
    }
    expect(reasons).toEqual(['slow-consumer']);
  });

  it('leaves the answer before it open when the application ends it', async () => {
    await start({ writeTimeoutMs: 50, shutdownGraceMs: 50 });
    connection.get('/ordinary').get(streamPath(['lobby']));
    const [client] = await clients(1);
    client?.close();
    // Longer than any grace time of this application.
    await pause(200);
    running.get(DeliveryController).answerOrdinary();
    await readOrdinaryAnswer(connection);
    const received = await connection.answer();
    await eventually(() => !received.isOpen, 'its end');
    expect(received.parsed().events.map(({ event }) => event)).toEqual(['sse:ready']);
  });

  it.each([0, 100_000, 180_000, 250_000])(
    'ends whole when it is closed with much queued, behind an unread answer of %i bytes',
    async (before) => {
      await start({ maxQueuedBytes: 10_000_000, heartbeatIntervalMs: false });
      const listener = await UnixSocketListener.open(running);
      connection.socket.destroy();
      connection = listener.connectRaw();
      connection.reader.pause();
      connection.get(`/ordinary?before=${before}`).get(streamPath(['lobby']));
      const [client] = await clients(1);
      const data = Array.from({ length: 20 }, (_, n) => `${n} ${'e'.repeat(100_000)}`);
      for (const text of data) await running.sse.broadcast('lobby', 'n', text);
      await someTurns(5);
      running.get(DeliveryController).answerOrdinary();
      await socketFull(listener.newest);
      await someTurns(20);
      client?.close();
      connection.reader.resume();
      await readOrdinaryAnswer(connection);
      const received = await connection.answer();
      await eventually(() => received.body.includes('data: 19 ') || !received.isOpen, 'the last event');
      await someTurns(20);
      const texts = received.parsed().events.flatMap(({ event, data: text }) => (event === 'n' ? text : []));
      expect(texts.map((text) => parseInt(text, 10))).toEqual(data.map((_, n) => n));
      expect(texts).toEqual(data);
      await listener.close();
    },
  );
});

/** Opens its streams by itself, and collects the reasons for which they end. */
@Controller()
class RawController {
  readonly reasons: CloseReason[] = [];

  constructor(private readonly sse: SseService) {}

  @Get('raw')
  add(@Req() request: object, @Res() response: object): void {
    const client = this.sse.add(request, response, { rooms: 'lobby' });
    void client.closed.then((reason) => this.reasons.push(reason));
  }
}

describe.each(platforms)('a stream pipelined behind an open stream, on $name,', (platform) => {
  let running: RunningApp;
  let connection: RawConnection;
  let identified: number;
  let warnings: string[];
  const onWarning = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);

  beforeEach(async () => {
    warnings = [];
    identified = 0;
    process.on('warning', onWarning);
    running = await platform.start(
      sseApp({
        controllers: [DeliveryController, RawController],
        options: {
          heartbeatIntervalMs: 20,
          identify: () => {
            identified++;
            return undefined;
          },
        },
      }),
    );
    connection = RawConnection.tcp(portOf(running.server));
  });
  afterEach(async () => {
    connection.socket.destroy();
    await eventually(() => running.sse.count() === 0, 'every client forgotten');
    process.off('warning', onWarning);
    expect(running.logger.complaints).toEqual([]);
    await running.close();
  });

  /** Counts requests that Node has passed to the application. */
  function countRequests(): () => number {
    let requests = 0;
    running.server.prependListener('request', () => requests++);
    return () => requests;
  }

  it.each(['/stream?rooms=lobby', '/raw'])(
    'is no client: 2,000 requests for %s are one, which receives its events, and nothing is warned about',
    async (path) => {
      const requests = countRequests();
      for (let n = 0; n < 2_000; n++) connection.get(path);
      const first = await connection.answer();
      await eventually(() => running.sse.count() === 1, 'the client');
      await eventually(() => requests() >= 100, 'pipelined requests');
      await someTurns(50);
      await running.sse.broadcast('lobby', 'n', 'to the one client');
      await eventually(() => first.body.includes('to the one client'), 'the event');
      expect(first.isOpen).toBe(true);
      expect([running.sse.count(), running.sse.count('lobby'), identified]).toEqual([1, 1, 1]);
      expect(warnings).toEqual([]);
    },
  );

  it('is not read without end: of 20,000 requests Node passes on what its own limit for waiting answers allows', async () => {
    const requests = countRequests();
    const request = `GET ${streamPath(['lobby'])} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    connection.write(request.repeat(20_000));
    const first = await connection.answer();
    let before = -1;
    for (; before < requests(); await pause(100)) before = requests();
    // The limit is checked for each part of 64 KiB that arrives.
    expect(requests()).toBeLessThan(10_000);
    await running.sse.broadcast('lobby', 'n', 'to the one client');
    await eventually(() => first.body.includes('to the one client'), 'the event');
    expect(running.sse.count()).toBe(1);
  });

  it('is asked in its turn to come back, with a stream that ends at once, and the connection is closed', async () => {
    const socket = await RawSocket.connect(running.url);
    socket.get(streamPath(['lobby']));
    socket.get(streamPath(['kitchen']));
    await socket.receives(/sse:ready/);
    await someTurns(20);
    for (const client of running.sse.clients()) client.close();
    await socket.ended();
    const [, , body] = socket.received.split('HTTP/1.1 200 OK');
    expect(body).toMatch(/\r\n\r\n[0-9a-f]+\r\nretry: 3000\n\n\r\n0\r\n\r\n$/);
  });

  it('has the reason refused where a handler opens it with add()', async () => {
    connection.get('/raw').get('/raw').get('/raw');
    await connection.answer();
    const { reasons } = running.get(RawController);
    await eventually(() => reasons.length === 2, 'two refusals');
    expect(reasons).toEqual(['refused', 'refused']);
  });

  it('is a client of its own once the stream in front has ended', async () => {
    const socket = await RawSocket.connect(running.url);
    socket.get(streamPath([]));
    await socket.receives(/\r\n\r\n/);
    for (const source of running.get(DeliveryController).sources.values()) source.complete();
    await socket.receives(/\r\n0\r\n\r\n$/);
    socket.get(streamPath(['lobby']));
    await eventually(() => running.sse.count('lobby') === 1, 'the second client');
    await running.sse.broadcast('lobby', 'n', 'hello');
    await socket.receives(/data: hello\n/);
    socket.destroy();
  });
});
