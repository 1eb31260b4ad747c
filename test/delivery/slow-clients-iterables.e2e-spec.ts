import { Controller, Get, Param } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { allPlatforms, platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { UnixSocketListener, socketFull, readInParts } from './unix-socket-listener.js';
import { expectedEvent, expectSameBytes } from './expected-event.js';
import type { RawConnection } from './raw-connection.js';
import type { ReceivedStream } from './received-stream.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

/** The progress of each generator, by the parameters of its path. */
const pulls = new Map<string, { values: number; over: boolean }>();

function value(n: number, bytes: number): string {
  return `${n} ${'é'.repeat(bytes / 2)}`;
}

@Controller()
class PullController {
  /** Yields `count` values of `bytes` bytes. */
  @Get('pull/:count/:bytes')
  @SseRoom()
  pull(@Param('count') count: string, @Param('bytes') bytes: string): AsyncGenerator<string> {
    return values(`${count}/${bytes}`, Number(count), Number(bytes));
  }

  @Get('pull-in-room/:count/:bytes')
  @SseRoom('lobby')
  inRoom(@Param('count') count: string, @Param('bytes') bytes: string): AsyncGenerator<string> {
    return this.pull(count, bytes);
  }
}

async function* values(path: string, count: number, bytes: number): AsyncGenerator<string> {
  const state = { values: 0, over: false };
  pulls.set(path, state);
  try {
    for (; state.values < count; state.values++) yield value(state.values, bytes);
  } finally {
    state.over = true;
  }
}

function expected(count: number, bytes: number): Buffer {
  return Buffer.from(
    Array.from({ length: count }, (_, n) => expectedEvent(undefined, value(n, bytes)).text).join(''),
  );
}

/** Removes the heartbeats that were sent while the client read nothing. */
function withoutHeartbeats(received: ReceivedStream): Buffer {
  return Buffer.from(received.body.toString('latin1').replaceAll(/^:\n/gm, ''), 'latin1');
}

describe.each(platforms)('an AsyncIterable of a client that does not read, on $name,', (platform) => {
  let running: RunningApp;
  let listener: UnixSocketListener;
  let metrics: CountingMetrics;
  let connection: RawConnection;

  async function start(options: SseModuleOptions): Promise<void> {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({
        controllers: [PullController],
        options: { heartbeatIntervalMs: 20, retryMs: false, readyEvent: false, metrics, ...options },
      }),
    );
    listener = await UnixSocketListener.open(running);
  }

  afterEach(async () => {
    connection.socket.destroy();
    await eventually(() => running.sse.count() === 0, 'every client forgotten');
    await listener.close();
    await running.close();
  });

  /** Connects a client that reads the head of the answer, and stops. */
  async function connectPaused(path: string): Promise<{ received: ReceivedStream; pulled: () => number }> {
    connection = listener.connectRaw().get(path);
    const received = await connection.answer();
    connection.reader.pause();
    const key = path.split('/').slice(2).join('/');
    return { received, pulled: () => pulls.get(key)?.values ?? 0 };
  }

  /** Resolves with the number of values once none has been pulled for 100 ms. */
  async function pulledAtRest(pulled: () => number): Promise<number> {
    let before = -1;
    await socketFull(listener.newest);
    await eventually(async () => {
      if (pulled() === before) return true;
      before = pulled();
      await pause(100);
      return false;
    }, 'the generator at rest');
    return before;
  }

  it.each([
    { maxQueuedBytes: 4_096, count: 40, bytes: 262_144 },
    { maxQueuedBytes: 4_096, count: 500, bytes: 10_000 },
    { maxQueuedBytes: 1, count: 3_000, bytes: 1_000 },
    { maxQueuedBytes: 1_048_576, count: 20, bytes: 3_000_000 },
  ])(
    'pauses and continues, and its client is never too slow: %j',
    async ({ maxQueuedBytes, count, bytes }) => {
      await start({ maxQueuedBytes });
      const { received, pulled } = await connectPaused(`/pull/${count}/${bytes}`);
      const first = await pulledAtRest(pulled);
      // The kernel's 200 KiB, what the client read beyond the head, and a few values on their transport.
      expect(first * bytes).toBeLessThan(1_000_000 + 3 * bytes);
      expect(metrics.closed).toEqual({});

      const part = Math.min(1_000_000, (count * bytes) / 4);
      connection.reader.allow(part);
      await received.reaches(part / 2);
      const second = await pulledAtRest(pulled);
      expect((second - first) * bytes).toBeLessThan(part + 1_000_000 + 3 * bytes);
      expect(metrics.closed).toEqual({});

      await readInParts(received, (count * bytes) / 2, { bytes: 1_000_000, everyMs: 1 });
      connection.reader.resume();
      expect(await received.ended).toBe('whole');
      expectSameBytes(withoutHeartbeats(received), expected(count, bytes));
      expect([pulled(), metrics.closed]).toEqual([count, { 'source-ended': 1 }]);
    },
  );

  it('ends with its client after writeTimeoutMs', async () => {
    await start({ maxQueuedBytes: 4_096, writeTimeoutMs: 100 });
    await connectPaused('/pull/1000000/20000');
    await eventually(() => metrics.closed['write-timeout'] === 1, 'the write timeout');
    await eventually(() => pulls.get('1000000/20000')?.over, 'the end of the generator');
    expect(metrics.closed).toEqual({ 'write-timeout': 1 });
  });

  it('ends with its client once events of rooms exceed maxQueuedBytes', async () => {
    await start({ maxQueuedBytes: 300_000 });
    const { pulled } = await connectPaused('/pull-in-room/1000001/20000');
    await pulledAtRest(pulled);
    for (let n = 0; metrics.closed['slow-consumer'] === undefined && n < 100; n++)
      await running.sse.broadcast('lobby', 'n', 'x'.repeat(50_000));
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
    await eventually(() => pulls.get('1000001/20000')?.over, 'the end of the generator');
  });

  it('ends when its client disconnects while it is paused', async () => {
    await start({ maxQueuedBytes: 4_096 });
    const { received, pulled } = await connectPaused('/pull/1000002/20000');
    await pulledAtRest(pulled);
    received.close();
    await eventually(() => pulls.get('1000002/20000')?.over, 'the end of the generator');
    expect(metrics.closed).toEqual({ 'client-gone': 1 });
  });
});

/** Counts the values that the generator has yielded, including the one that is being written. */
const pulled = (): number => (pulls.get('400/65536')?.values ?? -1) + 1;

describe.each(allPlatforms)('a client that stops reading an AsyncIterable, on $name,', (platform) => {
  it('pauses the iterable without being disconnected, and receives all of it in order once it reads again', async () => {
    const metrics = new CountingMetrics();
    const running = await platform.start(
      sseApp({ controllers: [PullController], options: { maxQueuedBytes: 256 * 1024, metrics } }),
    );

    pulls.delete('400/65536');
    const stream = await running.listen('/pull-in-room/400/65536');
    stream.pause();
    let before = -1;
    await eventually(async () => {
      if (pulled() === before) return true;
      before = pulled();
      await pause(50);
      return false;
    }, 'the generator paused');
    expect(pulled()).toBeGreaterThan(0);
    expect(pulled()).toBeLessThan(300);
    expect(metrics.closed).toEqual({});
    stream.resume();
    const events = await stream.nextEvents(400);
    expect(events.map(({ data }) => parseInt(data, 10))).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(metrics.closed).toEqual({});
    await running.close();
  });
});
