import { Controller, Get, Req, Res } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import { allPlatforms, platforms } from '../support/platforms.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually, pause } from '../support/within.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const INTERVAL_MS = 40;
const ASKING = '/rooms/lobby?sse=heartbeat';

@Controller()
class AddedController {
  constructor(private readonly sse: SseService) {}

  @Get('added')
  added(@Req() request: unknown, @Res() response: unknown): void {
    this.sse.add(request, response);
  }
}

function heartbeatsOf(stream: EventStream): ReceivedEvent[] {
  return stream.events.filter(({ event }) => event === 'sse:heartbeat');
}

async function received(stream: EventStream, count: number): Promise<void> {
  await eventually(() => heartbeatsOf(stream).length >= count, `${count} visible heartbeats`);
}

describe.each(allPlatforms)('visible heartbeats on $name', (platform) => {
  let running: RunningApp;

  afterEach(() => running.close());

  const start = async (options: SseModuleOptions = {}): Promise<void> => {
    running = await platform.start(
      testApp({
        options: { heartbeatIntervalMs: INTERVAL_MS, ...options },
      }),
    );
  };

  it('are events without an id that a client asks for with ?sse=heartbeat, and name the interval', async () => {
    await start();
    const { stream } = await connectClient(running, ASKING);
    await received(stream, 3);
    expect(heartbeatsOf(stream)[0]).toEqual({
      event: 'sse:heartbeat',
      data: `{"heartbeatMs":${INTERVAL_MS}}`,
      id: undefined,
    });
    expect(stream.events[0]?.event).toBe('sse:ready');
    expect(JSON.parse(stream.events[0]?.data ?? '')).toMatchObject({ heartbeatMs: INTERVAL_MS });
    expect(stream.parseErrors).toEqual([]);
  });

  it('go on while other events are sent, since a page may listen to none of them', async () => {
    await start();
    const { stream, client } = await connectClient(running, `/rooms/lobby?sse=other,heartbeat`);
    for (const begin = performance.now(); heartbeatsOf(stream).length < 3;) {
      client.send('n', 1);
      await pause(5);
      if (performance.now() - begin > 10_000) throw new Error('no heartbeats on a busy stream');
    }
  });

  it('are not sent to a client that did not ask', async () => {
    await start();
    const { stream: asking } = await connectClient(running, ASKING);
    const { stream } = await connectClient(running);
    await received(asking, 3);
    await stream.receivedComments(1);
    expect(stream.events.map(({ event }) => event).filter((event) => event !== 'sse:ready')).toEqual([]);
    expect(stream.rawText).not.toContain('heartbeatMs');
  });

  it('are off with heartbeatIntervalMs: false, and then have no interval', async () => {
    await start({ heartbeatIntervalMs: false });
    const { stream, client } = await connectClient(running, ASKING);
    client.send('sentinel', 1);
    await stream.nextEvent();
    expect(stream.rawText).not.toContain('heartbeat');
  });
});

it.each(platforms)(
  'visible heartbeats reach a stream of add() on $name, which has no room',
  async (platform) => {
    const running = await platform.start(
      testApp({
        controllers: [AddedController],
        options: { heartbeatIntervalMs: INTERVAL_MS, readyEvent: false },
      }),
    );
    const stream = await running.listen('/added?sse=heartbeat');
    await received(stream, 2);
    await running.disconnectAll();
    await running.close();
  },
);
