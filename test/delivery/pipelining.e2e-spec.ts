import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
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
    connection
      .get(streamPath(['lobby']))
      .get(streamPath(['kitchen']))
      .get(streamPath([]));
    await clients(3);
    const first = await connection.answer();
    for (let n = 0; n < 50; n++) await running.sse.broadcast('*', 'n', `${n}`);
    await eventually(() => first.body.includes('data: 49\n'), 'the last event');
    expect(first.parsed().events.map(({ data }) => data)).toHaveLength(51);
    connection.socket.destroy();
    await eventually(() => reasons.length === 3, 'all three ends');
    expect(reasons).toEqual(['client-gone', 'client-gone', 'client-gone']);
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

  it('leaves the answers before it open when the application ends it', async () => {
    await start({ writeTimeoutMs: 50, shutdownGraceMs: 50 });
    connection.get(streamPath(['lobby'])).get(streamPath(['kitchen']));
    const [, second] = await clients(2);
    const first = await connection.answer();
    second?.close();
    // Longer than any grace time of this application.
    await pause(200);
    await running.sse.broadcast('lobby', 'still', 'here');
    await eventually(() => first.body.includes('event: still') || !first.isOpen, 'the event');
    expect(first.parsed().events.map(({ event }) => event)).toEqual(['sse:ready', 'still']);
    expect(first.isOpen).toBe(true);
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
