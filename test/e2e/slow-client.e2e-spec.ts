import { Controller, Get, Param } from '@nestjs/common';
import { SseRoom, type CloseReason, type SseClient } from 'nestjs-simple-sse';
import { deskApp, visit } from '../support/desk.controller.js';
import { allPlatforms, platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { eventually, pause, someTurns } from '../support/within.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const CHUNK = 64 * 1024;
/** Far more than the kernel's buffers of one connection can take. */
const MUCH = 1_000;

let pulled = 0;

@Controller()
class PullController {
  @Get('numbers/:count')
  @SseRoom('pulled')
  async *numbers(@Param('count') count: string): AsyncGenerator<string> {
    for (let n = 0; n < Number(count); n++) {
      pulled = n + 1;
      yield `${n} ${'x'.repeat(CHUNK)}`;
    }
  }
}

interface Disconnect {
  client: SseClient;
  reason: CloseReason;
}

describe.each(allPlatforms)('a client that does not read, on $name', (platform) => {
  let running: RunningApp;
  let gone: Disconnect[];

  afterEach(async () => {
    await running.everyoneLeaves();
    await running.close();
  });

  async function start(options: SseModuleOptions): Promise<void> {
    running = await platform.start(deskApp({ options, controllers: [PullController] }));
    gone = [];
    running.sse.disconnected$.subscribe(({ client, reason }) => gone.push({ client, reason }));
  }

  it('over maxQueuedBytes is disconnected as slow-consumer, while another receives everything', async () => {
    await start({ maxQueuedBytes: 256 * 1024 });
    const slow = await visit(running, '/rooms/hall');
    const quick = await visit(running, '/rooms/hall');
    slow.stream.pause();
    const text = 'x'.repeat(CHUNK);
    let said = 0;
    while (gone.length === 0 && said < MUCH) {
      await running.sse.broadcast('hall', `${said} ${text}`);
      const event = await quick.stream.nextEvent();
      expect(event.data.slice(0, 10)).toBe(`${said++} ${text}`.slice(0, 10));
    }
    expect(gone).toEqual([{ client: slow.client, reason: 'slow-consumer' }]);
    expect(await slow.client.closed).toBe('slow-consumer');
    expect([...running.sse.clients('hall')]).toEqual([quick.client]);
    await running.sse.broadcast('hall', 'afterwards', 1);
    expect(await quick.stream.nextEvent()).toMatchObject({ event: 'afterwards' });
    expect(running.logger.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });

  it('is really cut: its connection does not stay half-open', async () => {
    await start({ maxQueuedBytes: 64 * 1024 });
    const slow = await visit(running, '/rooms/hall');
    slow.stream.pause();
    for (let said = 0; gone.length === 0 && said < MUCH; said++) {
      await running.sse.broadcast('hall', 'x'.repeat(CHUNK));
      await someTurns(2);
    }
    expect(gone.map(({ reason }) => reason)).toEqual(['slow-consumer']);
    slow.stream.resume();
    expect(await slow.stream.ended).toBe('cut');
  });

  it('pauses an async generator and is not disconnected; reading again, it gets all of it in order', async () => {
    await start({ maxQueuedBytes: 256 * 1024 });
    pulled = 0;
    const stream = await running.listen('/numbers/400');
    stream.pause();
    let before = -1;
    await eventually(async () => {
      if (pulled === before) return true;
      before = pulled;
      await pause(50);
      return false;
    }, 'the generator paused');
    expect(pulled).toBeGreaterThan(0);
    expect(pulled).toBeLessThan(300);
    expect(gone).toEqual([]);
    stream.resume();
    const events = await stream.nextEvents(400);
    expect(events.map(({ data }) => parseInt(data, 10))).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(gone).toEqual([]);
  });

  it('for writeTimeoutMs is disconnected as write-timeout, and an idle one is not', async () => {
    await start({ writeTimeoutMs: 150, maxQueuedBytes: 64 * 1024 * 1024, heartbeatIntervalMs: 50 });
    const idle = await visit(running, '/rooms/kitchen');
    const slow = await visit(running, '/rooms/hall');
    slow.stream.pause();
    for (let n = 0; n < 300; n++) slow.client.send('x'.repeat(CHUNK));
    await eventually(() => gone.length > 0, 'the write timeout');
    expect(gone).toEqual([{ client: slow.client, reason: 'write-timeout' }]);
    idle.client.send('still', 1);
    expect(await idle.stream.nextEvent()).toMatchObject({ event: 'still' });
  });
});

describe.each(platforms)('a client that vanishes, on $name', (platform) => {
  let running: RunningApp;
  let reasons: CloseReason[];

  beforeEach(async () => {
    running = await platform.start(deskApp({ options: { maxQueuedBytes: 64 * 1024 * 1024 } }));
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  });
  afterEach(() => running.close());

  it.each(['vanish', 'destroy', 'halfClose'] as const)('by %s is forgotten as client-gone', async (how) => {
    const socket = await RawSocket.connect(running.url);
    socket.get('/rooms/hall');
    await socket.heard(/\r\n\r\n/);
    expect(running.sse.count('hall')).toBe(1);
    socket[how]();
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
    expect(reasons).toEqual(['client-gone']);
    expect([...running.sse.rooms()]).toEqual([]);
    socket.destroy();
  });

  it('with much still queued for it is forgotten at once, and nobody else is disturbed', async () => {
    const quick = await visit(running, '/rooms/hall');
    const socket = await RawSocket.connect(running.url, { reading: false });
    socket.get('/rooms/hall');
    await eventually(() => running.sse.count('hall') === 2, 'both clients');
    for (let n = 0; n < 200; n++) {
      await running.sse.broadcast('hall', `${n} ${'x'.repeat(CHUNK)}`);
      await quick.stream.nextEvent();
    }
    expect(reasons).toEqual([]);
    socket.vanish();
    await eventually(() => running.sse.count() === 1, 'the vanished client forgotten');
    expect(reasons).toEqual(['client-gone']);
    await running.sse.broadcast('hall', 'afterwards', 1);
    expect(await quick.stream.nextEvent()).toMatchObject({ event: 'afterwards' });
    expect(running.logger.complaints).toEqual([]);
  });
});
