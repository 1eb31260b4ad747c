import type { CloseReason, SseClient, SseModuleOptions } from 'nestjs-simple-sse';
import { testApp, connectClient } from '../support/test.controller.js';
import { allPlatforms } from '../support/platforms.js';
import { eventually, someTurns } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

const CHUNK = 64 * 1024;
/** Events of `CHUNK` bytes; far more than the kernel buffers of one connection. */
const MORE_EVENTS_THAN_FIT = 1_000;

interface Disconnect {
  client: SseClient;
  reason: CloseReason;
}

describe.each(allPlatforms)('a client that does not read, on $name', (platform) => {
  let running: RunningApp;
  let gone: Disconnect[];

  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  async function start(options: SseModuleOptions): Promise<void> {
    running = await platform.start(testApp({ options }));
    gone = [];
    running.sse.disconnected$.subscribe(({ client, reason }) => gone.push({ client, reason }));
  }

  it('is disconnected as slow-consumer over maxQueuedBytes, while another receives everything', async () => {
    await start({ maxQueuedBytes: 256 * 1024 });
    const slow = await connectClient(running, '/rooms/lobby');
    const quick = await connectClient(running, '/rooms/lobby');
    slow.stream.pause();
    const text = 'x'.repeat(CHUNK);
    let published = 0;
    while (gone.length === 0 && published < MORE_EVENTS_THAN_FIT) {
      await running.sse.broadcast('lobby', `${published} ${text}`);
      const event = await quick.stream.nextEvent();
      expect(event.data.slice(0, 10)).toBe(`${published++} ${text}`.slice(0, 10));
    }
    expect(gone).toEqual([{ client: slow.client, reason: 'slow-consumer' }]);
    expect(await slow.client.closed).toBe('slow-consumer');
    expect([...running.sse.clients('lobby')]).toEqual([quick.client]);
    await running.sse.broadcast('lobby', 'afterwards', 1);
    expect(await quick.stream.nextEvent()).toMatchObject({ event: 'afterwards' });
    expect(running.logger.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });

  it('loses its connection, which does not stay half-open', async () => {
    await start({ maxQueuedBytes: 64 * 1024 });
    const slow = await connectClient(running, '/rooms/lobby');
    slow.stream.pause();
    for (let published = 0; gone.length === 0 && published < MORE_EVENTS_THAN_FIT; published++) {
      await running.sse.broadcast('lobby', 'x'.repeat(CHUNK));
      await someTurns(2);
    }
    expect(gone.map(({ reason }) => reason)).toEqual(['slow-consumer']);
    slow.stream.resume();
    expect(await slow.stream.ended).toBe('cut');
  });

  it('is disconnected as write-timeout after writeTimeoutMs, and an idle client is not', async () => {
    await start({ writeTimeoutMs: 150, maxQueuedBytes: 64 * 1024 * 1024, heartbeatIntervalMs: 50 });
    const idle = await connectClient(running, '/rooms/kitchen');
    const slow = await connectClient(running, '/rooms/lobby');
    slow.stream.pause();
    for (let n = 0; n < 300; n++) slow.client.send('x'.repeat(CHUNK));
    await eventually(() => gone.length > 0, 'the write timeout');
    expect(gone).toEqual([{ client: slow.client, reason: 'write-timeout' }]);
    idle.client.send('still', 1);
    expect(await idle.stream.nextEvent()).toMatchObject({ event: 'still' });
  });
});
