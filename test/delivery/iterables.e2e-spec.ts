import { Controller, Get, Param } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { Door, full, sip } from './door.js';
import { due, sameBytes } from './hall.js';
import type { HandWritten } from './hand-written.js';
import type { Receiver } from './receiver.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

/** What the generators of a test have done, by their path. */
const pulls = new Map<string, { values: number; over: boolean }>();

function value(n: number, bytes: number): string {
  return `${n} ${'é'.repeat(bytes / 2)}`;
}

@Controller()
class PullController {
  /** `count` values of `bytes`; in a room of its own where it is named. */
  @Get('pull/:count/:bytes')
  @SseRoom()
  pull(@Param('count') count: string, @Param('bytes') bytes: string): AsyncGenerator<string> {
    return values(`${count}/${bytes}`, Number(count), Number(bytes));
  }

  @Get('pull-in-room/:count/:bytes')
  @SseRoom('hall')
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
  return Buffer.from(Array.from({ length: count }, (_, n) => due(undefined, value(n, bytes)).text).join(''));
}

/** Without the heartbeats of the time in which nothing was read. */
function withoutBeats(receiver: Receiver): Buffer {
  return Buffer.from(receiver.body.toString('latin1').replaceAll(/^:\n/gm, ''), 'latin1');
}

describe.each(platforms)('an AsyncIterable and a client that does not read, on $name', (platform) => {
  let running: RunningApp;
  let door: Door;
  let metrics: CountingMetrics;
  let connection: HandWritten;

  async function start(options: SseModuleOptions): Promise<void> {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({
        controllers: [PullController],
        options: { heartbeatIntervalMs: 20, retryMs: false, readyEvent: false, metrics, ...options },
      }),
    );
    door = await Door.open(running);
  }

  afterEach(async () => {
    connection.socket.destroy();
    await eventually(() => running.sse.count() === 0, 'every client forgotten');
    await door.close();
    await running.close();
  });

  /** A client that takes the head and no more. */
  async function ask(path: string): Promise<{ receiver: Receiver; pulled: () => number }> {
    connection = door.knock().get(path);
    const receiver = await connection.answer();
    connection.valve.shut();
    const key = path.split('/').slice(2).join('/');
    return { receiver, pulled: () => pulls.get(key)?.values ?? 0 };
  }

  /** Resolves when the generator has not been asked for a while. */
  async function quiet(pulled: () => number): Promise<number> {
    let before = -1;
    await full(door.newest);
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
  ])('pauses and goes on, never too slow: %j', async ({ maxQueuedBytes, count, bytes }) => {
    await start({ maxQueuedBytes });
    const { receiver, pulled } = await ask(`/pull/${count}/${bytes}`);
    const first = await quiet(pulled);
    // The kernel's 200 KiB, what the client read beyond the head, and a few values on their way.
    expect(first * bytes).toBeLessThan(1_000_000 + 3 * bytes);
    expect(metrics.closed).toEqual({});

    const part = Math.min(1_000_000, (count * bytes) / 4);
    connection.valve.allow(part);
    await receiver.holds(part / 2);
    const second = await quiet(pulled);
    expect((second - first) * bytes).toBeLessThan(part + 1_000_000 + 3 * bytes);
    expect(metrics.closed).toEqual({});

    await sip(receiver, (count * bytes) / 2, { bytes: 1_000_000, everyMs: 1 });
    connection.valve.open();
    expect(await receiver.ended).toBe('whole');
    sameBytes(withoutBeats(receiver), expected(count, bytes));
    expect([pulled(), metrics.closed]).toEqual([count, { 'source-ended': 1 }]);
  });

  it('is ended by writeTimeoutMs, and its generator with it', async () => {
    await start({ maxQueuedBytes: 4_096, writeTimeoutMs: 100 });
    await ask('/pull/1000000/20000');
    await eventually(() => metrics.closed['write-timeout'] === 1, 'the write timeout');
    await eventually(() => pulls.get('1000000/20000')?.over, 'the end of the generator');
    expect(metrics.closed).toEqual({ 'write-timeout': 1 });
  });

  it("is ended by other people's events once they are more than maxQueuedBytes", async () => {
    await start({ maxQueuedBytes: 300_000 });
    const { pulled } = await ask('/pull-in-room/1000001/20000');
    await quiet(pulled);
    for (let n = 0; metrics.closed['slow-consumer'] === undefined && n < 100; n++)
      await running.sse.broadcast('hall', 'n', 'x'.repeat(50_000));
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
    await eventually(() => pulls.get('1000001/20000')?.over, 'the end of the generator');
  });

  it('ends when the client leaves while it waits', async () => {
    await start({ maxQueuedBytes: 4_096 });
    const { receiver, pulled } = await ask('/pull/1000002/20000');
    await quiet(pulled);
    receiver.close();
    await eventually(() => pulls.get('1000002/20000')?.over, 'the end of the generator');
    expect(metrics.closed).toEqual({ 'client-gone': 1 });
  });
});
