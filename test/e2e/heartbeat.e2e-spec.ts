import { deskApp, visit } from '../support/desk.controller.js';
import { allPlatforms, type Platform } from '../support/platforms.js';
import { pause } from '../support/within.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

describe.each(allPlatforms)('heartbeat and retry on $name', (platform: Platform) => {
  let running: RunningApp;

  afterEach(() => running.close());

  const start = async (options: SseModuleOptions) => {
    running = await platform.start(deskApp({ options }));
    return visit(running, '/rooms/hall');
  };

  it('a silent stream is sent empty comments, again and again, that no client takes for an event', async () => {
    const { stream } = await start({ heartbeatIntervalMs: 20, readyEvent: false, retryMs: false });
    await stream.commentsHeard(4);
    expect(stream.comments.every((comment) => comment === '')).toBe(true);
    expect(stream.events).toEqual([]);
    expect(stream.parseErrors).toEqual([]);
  });

  it('is one line, `:\\n`, without a blank line after it', async () => {
    const { stream } = await start({ heartbeatIntervalMs: 20, readyEvent: false, retryMs: false });
    const before = stream.rawText.length;
    await stream.commentsHeard(4);
    expect(stream.rawText.slice(before)).toMatch(/^(:\n)+$/);
  });

  it('everyone is sent it, whatever the room', async () => {
    await start({ heartbeatIntervalMs: 20 });
    const others = [await visit(running), await visit(running), await visit(running, '/rooms/kitchen')];
    for (const { stream } of others) await stream.commentsHeard(2);
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

  it('false switches it off', async () => {
    const { stream, client } = await start({ heartbeatIntervalMs: false });
    await pause(100);
    client.send('sentinel', 1);
    await stream.nextEvent();
    expect(stream.comments.filter((comment) => comment === '')).toEqual([]);
  });

  it('retryMs is told to every client', async () => {
    const { stream, client } = await start({ retryMs: 7_654 });
    client.send('first', 1);
    await stream.nextEvent();
    await stream.retryHeard(7_654);
  });

  it('retryMs: false tells nothing', async () => {
    const { stream, client } = await start({ retryMs: false });
    client.send('first', 1);
    await stream.nextEvent();
    expect(stream.retries).toEqual([]);
  });
});
