import { Controller, Get } from '@nestjs/common';
import { SseRoom, type SseClient, type SseLimitOptions } from 'nestjs-simple-sse';
import { concat, map, of, timer, type Observable } from 'rxjs';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { within } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

/** 300 bytes, of 100 units, as UTF-8. */
const WIDE = '\u20ac'.repeat(100);

@Controller()
class EventController {
  @Get('stream')
  @SseRoom('lobby')
  stream(): void {}

  @Get('source')
  @SseRoom('lobby')
  source(): Observable<string> {
    return concat(of('small'), timer(20).pipe(map(() => `${WIDE}.`)));
  }
}

describe.each(platforms)('the limit of one event, on $name,', (platform) => {
  let running: RunningApp;

  async function start(limits: SseLimitOptions): Promise<void> {
    running = await platform.start(sseApp({ controllers: [EventController], options: { limits } }));
  }
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('counts the bytes of the data: an event at the limit is published and sent, one over it is refused', async () => {
    await start({ maxEventBytes: 300 });
    const stream = await running.listen('/stream');
    const [client] = [...running.sse.clients()] as [SseClient];
    await expect(running.sse.broadcast('lobby', 'n', `${WIDE}.`)).rejects.toMatchObject({
      code: 'event-too-large',
    });
    expect(() => client.send('n', 'x'.repeat(301))).toThrow(
      expect.objectContaining({ code: 'event-too-large' }) as Error,
    );
    await running.sse.broadcast('lobby', 'n', WIDE);
    client.send('n', 'x'.repeat(300));
    const data = (await stream.nextEvents(2)).map((event) => event.data);
    expect(data).toEqual([WIDE, 'x'.repeat(300)]);
  });

  it('ends the stream of a source that sends more, as source-failed', async () => {
    await start({ maxEventBytes: 300 });
    const reasons: string[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const stream = await running.open('/source');
    await within(stream.ended, 'the end');
    expect(stream.events.map(({ event }) => event)).toEqual(['sse:ready', 'message', 'sse:error']);
    expect(reasons).toEqual(['source-failed']);
  });

  it('is off with false', async () => {
    await start({ maxEventBytes: false });
    const stream = await running.listen('/stream');
    const large = 'x'.repeat(17_000_000);
    await running.sse.broadcast('lobby', 'n', large);
    expect((await stream.nextEvent()).data).toHaveLength(large.length);
  });
});
