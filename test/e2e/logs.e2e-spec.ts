import { Controller, Get, Req } from '@nestjs/common';
import { concat, mergeMap, of, throwError, timer } from 'rxjs';
import { SseError, SseRoom, type BrokerListener, type SseModuleOptions } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import type { LogLine } from '../support/collecting-logger.js';
import type { RunningApp } from '../support/running-app.js';

@Controller()
class FailingController {
  @Get('failing')
  @SseRoom()
  failing(@Req() request: { id?: unknown }): unknown {
    // Fastify alone has an id of its own; pino-http sets one.
    request.id ??= 'req-of-pino';
    return concat(
      of({ data: 'first' }),
      timer(20).pipe(mergeMap(() => throwError(() => new Error('no database')))),
    );
  }
}

class RefusingBroker extends WrappedMemoryBroker {
  override publish(): Promise<never> {
    return Promise.reject(new SseError('broker-unavailable', 'Redis is away.'));
  }
}

class LoggingBroker extends WrappedMemoryBroker {
  listener: BrokerListener | undefined;

  override start(...[policy, listener]: Parameters<WrappedMemoryBroker['start']>): Promise<void> {
    this.listener = listener;
    return super.start(policy, listener);
  }
}

describe.each(platforms)('the log on $name', (platform) => {
  let running: RunningApp;

  async function start(options: SseModuleOptions): Promise<void> {
    running = await platform.start(testApp({ controllers: [FailingController], options }));
    running.logger.clear();
  }
  afterEach(() => running.close());

  const complaints = (): LogLine[] => running.logger.complaints;

  it('has one line for a storm of the same failure, whatever the room and the event', async () => {
    await start({ broker: new RefusingBroker() });
    for (let n = 0; n < 500; n++) void running.sse.broadcast(`room-${n}`, `event-${n}`, n);
    await eventually(() => complaints().length > 0, 'the line');
    await new Promise(setImmediate);
    expect(complaints()).toHaveLength(1);
    expect(complaints()[0]).toMatchObject({ level: 'error' });
    expect(complaints()[0]?.text).toContain(
      'broadcast("room-0", "event-0", …) failed, and nobody awaited it',
    );
  });

  it('names the client and the request in a line about one stream', async () => {
    await start({});
    const stream = await running.listen('/failing');
    await stream.ended;
    await eventually(() => complaints().length > 0, 'the line');
    const request = platform.name === 'fastify' ? 'req-\\w+' : 'req-of-pino';
    expect(complaints()[0]?.level).toBe('error');
    expect(complaints()[0]?.text).toMatch(
      new RegExp(`^The stream of /failing failed\\. At client [0-9a-f]{8}, request ${request}\\.`),
    );
  });

  it('names the client whose identity or subscriber failed', async () => {
    await start({
      identify: () => {
        throw new Error('no session');
      },
    });
    running.sse.connected$.subscribe(() => {
      throw new Error('no subscriber');
    });
    const { client } = await connectClient(running);
    await eventually(() => complaints().length === 2, 'both lines');
    for (const { text } of complaints()) expect(text).toContain(`client ${client.id.slice(0, 8)}`);
  });

  it('has one line for a broker that is down again and again, at the level that the broker gives it', async () => {
    const broker = new LoggingBroker();
    await start({ broker });
    for (let n = 0; n < 500; n++) {
      broker.listener?.onLog?.('warn', 'The broker is down.');
      broker.listener?.onLog?.('log', 'The broker is live again.');
    }
    const lines = (): LogLine[] => running.logger.lines.filter(({ text }) => text.includes('The broker is'));
    const down = expect.stringMatching(/^The broker is down\. SseService$/) as unknown;
    const live = expect.stringMatching(/^The broker is live again\. SseService$/) as unknown;
    const first = [
      { level: 'warn', text: down },
      { level: 'log', text: live },
    ];
    expect(lines()).toEqual(first);
    await running.close();
    expect(lines().map(({ level, text }) => `${level} ${/\d+ more/.exec(text)?.[0]}`)).toEqual([
      'warn undefined',
      'log undefined',
      'warn 499 more',
      'log 499 more',
    ]);
  });

  it('warns of a limit once, and says at debug that a slow client was cut', async () => {
    await start({ limits: { maxStreams: 1 }, maxQueuedBytes: 1 });
    const { stream, client } = await connectClient(running, '/rooms/shop');
    for (let n = 0; n < 5; n++) await running.open('/plain');
    expect(complaints()).toEqual([
      { level: 'warn', text: expect.stringContaining('The limit "maxStreams" was reached.') as string },
    ]);
    stream.pause();
    while (!client.isClosed) {
      await running.sse.broadcast('shop', 'n', 'x'.repeat(2 ** 18));
      await new Promise(setImmediate);
    }
    const debug = running.logger.lines.filter(({ level }) => level === 'debug');
    expect(debug.map(({ text }) => text)).toEqual([
      expect.stringContaining(`A client was cut as slow-consumer: client ${client.id.slice(0, 8)}`),
    ]);
  });
});
