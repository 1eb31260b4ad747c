import { allPlatforms, platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually, pause } from '../support/within.js';
import { UnixSocketListener, socketFull } from './unix-socket-listener.js';
import { DeliveryController } from './delivery.controller.js';
import { DeliveryHarness } from './delivery-harness.js';
import type { Socket } from 'node:net';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const INTERVAL_MS = 200;
const HEARTBEAT = '2\r\n:\n\r\n';

/** Records every write to a socket, with the milliseconds since the write before. */
function recordWrites(socket: Socket): { text: string; afterMs: number }[] {
  const writes: { text: string; afterMs: number }[] = [];
  let lastMs = performance.now();
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    writes.push({ text: String(args[0]), afterMs: performance.now() - lastMs });
    lastMs = performance.now();
    return write(...args);
  };
  return writes;
}

function heartbeatsIn(writes: readonly { text: string }[]): number {
  return writes.filter(({ text }) => text.includes(HEARTBEAT)).length;
}

describe.each(platforms)('heartbeats and the activity of clients on $name', (platform) => {
  it('skip a client that was written to within the interval, and a client that does not read', async () => {
    const running = await platform.start(
      sseApp({
        controllers: [DeliveryController],
        options: { heartbeatIntervalMs: INTERVAL_MS, writeTimeoutMs: false, maxQueuedBytes: 10_000_000 },
      }),
    );
    const listener = await UnixSocketListener.open(running);
    const harness = new DeliveryHarness(running, listener.connect);
    await harness.connectClient('busy');
    const busy = recordWrites(listener.newest);
    await harness.connectClient('idle');
    const idle = recordWrites(listener.newest);
    const stalled = await harness.connectClient('stalled');
    stalled.received.reader?.pause();
    harness.publish('stalled', 'n', 'x'.repeat(1_000_000));
    await socketFull(listener.newest);
    const silent = recordWrites(listener.newest);

    for (let n = 0; heartbeatsIn(idle) < 5; n++) {
      await running.sse.broadcast('busy', 'n', n);
      await pause(5);
    }
    // Never early: a client that is written to every few milliseconds gets none. A busy machine makes silences longer.
    for (const { text, afterMs } of [...busy, ...idle])
      if (text.includes(HEARTBEAT)) expect(afterMs).toBeGreaterThan(INTERVAL_MS / 2);
    expect(heartbeatsIn(idle)).toBeGreaterThan(heartbeatsIn(busy));
    expect(silent).toEqual([]);

    stalled.received.reader?.resume();
    await stalled.receivedAll();
    await eventually(
      () => stalled.received.body.toString().endsWith(':\n'),
      'a heartbeat after it reads again',
    );
    await harness.disconnect();
    await listener.close();
    await running.close();
  });
});

describe.each(allPlatforms)('the heartbeat on $name', (platform) => {
  let running: RunningApp;

  afterEach(() => running.close());

  const start = async (options: SseModuleOptions) => {
    running = await platform.start(testApp({ options }));
    return connectClient(running, '/rooms/lobby');
  };

  it('is an empty comment, sent to a silent stream again and again, that no client parses as an event', async () => {
    const { stream } = await start({ heartbeatIntervalMs: 20, readyEvent: false, retryMs: false });
    await stream.receivedComments(4);
    expect(stream.comments.every((comment) => comment === '')).toBe(true);
    expect(stream.events).toEqual([]);
    expect(stream.parseErrors).toEqual([]);
  });

  it('is one line, `:\\n`, without a blank line after it', async () => {
    const { stream } = await start({ heartbeatIntervalMs: 20, readyEvent: false, retryMs: false });
    const before = stream.rawText.length;
    await stream.receivedComments(4);
    expect(stream.rawText.slice(before)).toMatch(/^(:\n)+$/);
  });

  it('is sent to every client, in any room', async () => {
    await start({ heartbeatIntervalMs: 20 });
    const others = [
      await connectClient(running),
      await connectClient(running),
      await connectClient(running, '/rooms/kitchen'),
    ];
    for (const { stream } of others) await stream.receivedComments(2);
  });

  it('does not disturb the events around it', async () => {
    const { stream, client } = await start({ heartbeatIntervalMs: 5 });
    for (let n = 0; n < 30; n++) {
      client.send('n', n);
      await pause(2);
    }
    expect((await stream.nextEvents(30)).map(({ data }) => Number(data))).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    );
  });

  it('is switched off by false', async () => {
    const { stream, client } = await start({ heartbeatIntervalMs: false });
    await pause(100);
    client.send('sentinel', 1);
    await stream.nextEvent();
    expect(stream.comments.filter((comment) => comment === '')).toEqual([]);
  });
});

describe.each(allPlatforms)('retryMs on $name', (platform) => {
  let running: RunningApp;

  afterEach(() => running.close());

  const start = async (options: SseModuleOptions) => {
    running = await platform.start(testApp({ options }));
    return connectClient(running, '/rooms/lobby');
  };

  it('is sent to every client', async () => {
    const { stream, client } = await start({ retryMs: 7_654 });
    client.send('first', 1);
    await stream.nextEvent();
    await stream.receivedRetry(7_654);
  });

  it('is not sent when it is false', async () => {
    const { stream, client } = await start({ retryMs: false });
    client.send('first', 1);
    await stream.nextEvent();
    expect(stream.retries).toEqual([]);
  });
});
