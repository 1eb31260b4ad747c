import { memoryInUse } from '../support/memory-in-use.js';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS } from '../support/within.js';
import { UnixSocketListener, socketFull } from './unix-socket-listener.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import type { RawConnection } from './raw-connection.js';
import type { RunningApp } from '../support/running-app.js';
import type { SseClient, SseModuleOptions } from 'nestjs-simple-sse';

const MIB = 1_048_576;
const TEXT_BYTES = 32_768;
/** Events of one turnover of the history. */
const TURNOVER = 256;

const textOf = (n: number): string => `${n}`.padEnd(TEXT_BYTES, '.');

/** Reads everything, and returns the numbers of the events, and a word for each gap. */
async function readAll(connection: RawConnection, last: number): Promise<(number | 'gap')[]> {
  const answered = connection.answer();
  connection.reader.resume();
  const received = await answered;
  const hasLast = (): boolean => {
    const { body } = received;
    const start = body.indexOf(`data: ${last}.`);
    return start !== -1 && body.includes('\n\n', start);
  };
  await eventually(hasLast, 'the last event', PATIENCE_MS);
  return received
    .parsed()
    .events.filter(({ event }) => event !== 'sse:ready')
    .map(({ event, data }) => (event === 'sse:gap' ? 'gap' : Number.parseInt(data, 10)));
}

describe.each(platforms)('clients that stop reading during their resume, on $name,', (platform) => {
  let running: RunningApp;
  let listener: UnixSocketListener;
  let connections: RawConnection[];

  beforeEach(() => (connections = []));
  afterEach(async () => {
    for (const { socket } of connections) socket.destroy();
    await listener.close();
    await running.close();
  });

  async function start(options: SseModuleOptions): Promise<void> {
    running = await platform.start(
      sseApp({
        controllers: [DeliveryController],
        options: { heartbeatIntervalMs: false, writeTimeoutMs: false, ...options },
      }),
    );
    listener = await UnixSocketListener.open(running);
  }

  const publish = (room: string, n: number): Promise<string | undefined> =>
    running.sse.broadcast(room, textOf(n));

  /** Connects a client that reads nothing, and resolves once its resume waits for it. */
  async function pausedResume(since: string | undefined): Promise<RawConnection> {
    const connection = listener.connectRaw();
    connection.reader.pause();
    connections.push(connection);
    connection.get(streamPath(['lobby']), [`Last-Event-ID: ${since}`]);
    const count = connections.length;
    await eventually(() => listener.sockets.length === count, 'the connection');
    await socketFull(listener.newest);
    return connection;
  }

  const clientOf = (index: number): SseClient => [...running.sse.clients()][index] as SseClient;

  it('hold a page each, and no history that was trimmed meanwhile', async () => {
    await start({ historyMaxBytes: TURNOVER * TEXT_BYTES, historyMaxEvents: 100_000 });
    const before = await memoryInUse();
    for (let generation = 0; generation < 12; generation++) {
      const since = await running.sse.position(['lobby']);
      for (let n = 0; n < TURNOVER; n++) await publish('lobby', n);
      await pausedResume(since);
    }
    const after = await memoryInUse();
    const grown = after.heap + after.buffers - before.heap - before.buffers;
    // The history is 8 MiB, and a client holds a page of 256 KiB, up to 256 KiB to send, and an event. Lists of all
    // missed events would be 96 MiB.
    expect(grown).toBeLessThan(8 * MIB + 12 * MIB + 12 * MIB);
  });

  it('receive what is left, in order, after a gap for what was trimmed before they read on', async () => {
    await start({ historyMaxEvents: 60 });
    const since = await running.sse.position(['lobby']);
    for (let n = 0; n < 60; n++) await publish('lobby', n);
    const connection = await pausedResume(since);
    for (let n = 60; n < 160; n++) await publish('lobby', n);
    const received = await readAll(connection, 159);
    const at = received.indexOf('gap');
    const first = received.slice(0, at) as number[];
    expect(first).toEqual(Array.from({ length: first.length }, (_, n) => n));
    expect(first.length).toBeGreaterThan(5);
    expect(received.slice(at + 1)).toEqual(Array.from({ length: 60 }, (_, n) => 100 + n));
  });

  it('receive the events of a room that they join meanwhile from then on, once', async () => {
    await start({ maxQueuedBytes: 131_072 });
    const since = await running.sse.position(['lobby']);
    for (let n = 0; n < 40; n++) await publish('lobby', n);
    for (let n = 1_000; n < 1_040; n++) await publish('late', n);
    const connection = await pausedResume(since);
    await clientOf(0).join('late');
    // More than the client's queue holds, so that the events are read from history.
    for (let n = 40; n < 80; n++) await publish(n % 2 === 0 ? 'lobby' : 'late', n);
    await publish('lobby', 80);
    expect(await readAll(connection, 80)).toEqual(Array.from({ length: 81 }, (_, n) => n));
  });

  it('receive the replay of a room that is larger than a page, then its later events', async () => {
    await start({ maxQueuedBytes: 131_072 });
    for (let n = 0; n < 40; n++) await publish('lobby', n);
    const connection = listener.connectRaw();
    connections.push(connection);
    connection.reader.pause();
    connection.get(streamPath(['other']));
    await eventually(() => running.sse.count() === 1 && clientOf(0).rooms.size === 1, 'the client');
    const joined = clientOf(0).join('lobby', { replay: 30 });
    await eventually(() => clientOf(0).in('lobby'), 'the room');
    await socketFull(listener.newest);
    for (let n = 40; n < 60; n++) await publish('lobby', n);
    expect(await readAll(connection, 59)).toEqual(Array.from({ length: 50 }, (_, n) => 10 + n));
    expect(await joined).toBe(true);
  });
});
