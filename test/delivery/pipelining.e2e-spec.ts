import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause, someTurns } from '../support/within.js';
import { Door, full } from './door.js';
import { HallController } from './hall.controller.js';
import { HandWritten } from './hand-written.js';
import { hallPath, pastOrdinary } from './ways.js';
import type { CloseReason, SseClient, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

describe.each(platforms)('a stream pipelined behind another answer, on $name,', (platform) => {
  let running: RunningApp;
  let connection: HandWritten;
  let reasons: CloseReason[];

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(
      sseApp({
        controllers: [HallController],
        options: { heartbeatIntervalMs: 20, maxQueuedBytes: 300_000, ...options },
      }),
    );
    connection = HandWritten.tcp(portOf(running.server));
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
    'hears what is published before, while and after the first answer ends; events of up to %i bytes',
    async (bytes) => {
      await start({ maxQueuedBytes: 10_000_000 });
      connection.get('/ordinary').get(hallPath(['hall']));
      await clients(1);
      const data: string[] = [];
      const say = (): void => {
        data.push(`${data.length} ${'e'.repeat((data.length * 7_919) % bytes)}`);
        void running.sse.broadcast('hall', 'n', data.at(-1));
      };
      for (let n = 0; n < 200; n++) say();
      await someTurns(10);
      for (let n = 0; n < 20; n++) say();
      running.get(HallController).answerOrdinary();
      for (let n = 0; n < 100; n++) {
        say();
        if (n % 5 === 0) await someTurns(1);
      }
      await pastOrdinary(connection);
      const receiver = await connection.answer();
      for (let n = 0; n < 50; n++) say();
      await running.sse.broadcast('hall', 'end', 'of all');
      await eventually(() => receiver.body.includes('event: end'), 'the last event');
      const heard = receiver.parsed().events.flatMap(({ event, data: text }) => (event === 'n' ? text : []));
      expect(heard.map((text) => text.length)).toEqual(data.map((text) => text.length));
      expect(heard).toEqual(data);
    },
  );

  it('that never ends is closed with the connection, as client-gone, and hears no more', async () => {
    await start();
    connection
      .get(hallPath(['hall']))
      .get(hallPath(['kitchen']))
      .get(hallPath([]));
    await clients(3);
    const first = await connection.answer();
    for (let n = 0; n < 50; n++) await running.sse.broadcast('*', 'n', `${n}`);
    await eventually(() => first.body.includes('data: 49\n'), 'the last event');
    expect(first.parsed().events.map(({ data }) => data)).toHaveLength(51);
    connection.socket.destroy();
    await eventually(() => reasons.length === 3, 'all three ends');
    expect(reasons).toEqual(['client-gone', 'client-gone', 'client-gone']);
    await running.sse.broadcast('*', 'n', 'to nobody');
  });

  it('that takes more than it may hold while it waits for its turn is cut as slow-consumer', async () => {
    await start();
    connection.get('/ordinary').get(hallPath(['hall']));
    await clients(1);
    for (let n = 0; n < 20; n++) {
      await running.sse.broadcast('hall', 'n', 'x'.repeat(100_000));
      await someTurns(2);
    }
    expect(reasons).toEqual(['slow-consumer']);
  });

  it('ended by the application, leaves the answers before it alone', async () => {
    await start({ writeTimeoutMs: 50, shutdownGraceMs: 50 });
    connection.get(hallPath(['hall'])).get(hallPath(['kitchen']));
    const [, second] = await clients(2);
    const first = await connection.answer();
    second?.close();
    // Longer than any grace time of this application.
    await pause(200);
    await running.sse.broadcast('hall', 'still', 'here');
    await eventually(() => first.body.includes('event: still') || !first.isOpen, 'the event');
    expect(first.parsed().events.map(({ event }) => event)).toEqual(['sse:ready', 'still']);
    expect(first.isOpen).toBe(true);
  });

  it.each([0, 100_000, 180_000, 250_000])(
    'closed by the application with much still queued, ends whole; behind an answer of %i bytes that is not read yet',
    async (before) => {
      await start({ maxQueuedBytes: 10_000_000, heartbeatIntervalMs: false });
      const door = await Door.open(running);
      connection.socket.destroy();
      connection = door.knock();
      connection.valve.shut();
      connection.get(`/ordinary?before=${before}`).get(hallPath(['hall']));
      const [client] = await clients(1);
      const data = Array.from({ length: 20 }, (_, n) => `${n} ${'e'.repeat(100_000)}`);
      for (const text of data) await running.sse.broadcast('hall', 'n', text);
      await someTurns(5);
      running.get(HallController).answerOrdinary();
      await full(door.newest);
      await someTurns(20);
      client?.close();
      connection.valve.open();
      await pastOrdinary(connection);
      const receiver = await connection.answer();
      await eventually(() => receiver.body.includes('data: 19 ') || !receiver.isOpen, 'the last event');
      await someTurns(20);
      const heard = receiver.parsed().events.flatMap(({ event, data: text }) => (event === 'n' ? text : []));
      expect(heard.map((text) => parseInt(text, 10))).toEqual(data.map((_, n) => n));
      expect(heard).toEqual(data);
      await door.close();
    },
  );
});
