import { Controller, Get, Query } from '@nestjs/common';
import { SseRoom, type CloseReason, type SseMetrics, type SseModuleOptions } from 'nestjs-simple-sse';
import { map, throwError, type Observable } from 'rxjs';
import { WrappedMemoryBroker } from '../../support/wrapped-memory-broker.js';
import { platforms } from '../../support/platforms.js';
import { unchecked } from '../../support/refusal.js';
import type { RunningApp } from '../../support/running-app.js';
import { sseApp } from '../../support/sse-app.js';
import { eventually, someTurns } from '../../support/within.js';

const ROOM_OPTIONS = { presence: true };

/** Three ways in which a callback of an application fails. */
const failures = {
  throws: () => {
    throw new Error('the callback failed');
  },
  rejects: () => Promise.reject(new Error('the callback failed')),
  'returns nonsense': () => unchecked<never>(Symbol('nonsense')),
} satisfies Record<string, () => unknown>;

type Failure = () => never;

@Controller()
class CallbackController {
  @Get('stream')
  @SseRoom('room')
  stream(): void {}

  @Get('source')
  @SseRoom('room')
  source(@Query('fail') fail: string): Observable<string> {
    return throwError(() => new Error(fail));
  }
}

interface Case {
  readonly callback: string;
  readonly options?: (fail: Failure) => SseModuleOptions;
  /** Subscribes with a failing subscriber. */
  readonly subscribe?: (running: RunningApp, fail: Failure) => unknown;
  /** The name in the report. Default: `callback`. */
  readonly reported?: string;
  /** Failures that cannot happen: nobody looks at the result. */
  readonly except?: readonly (keyof typeof failures)[];
}

const quiet: SseMetrics = {
  clientOpened: () => {},
  clientClosed: () => {},
  eventDelivered: () => {},
  volatileDropped: () => {},
};

const ignoresResults = ['returns nonsense'] as const;

/** Callbacks whose failures change nothing for a client. */
const cases: Case[] = [
  ...(['clientOpened', 'clientClosed', 'eventDelivered'] as const).map((method) => ({
    callback: 'metrics',
    reported: `metrics.${method}`,
    options: (fail: Failure) => ({ metrics: { ...quiet, [method]: fail } }),
    except: ignoresResults,
  })),
  { callback: 'identify', options: (fail) => ({ identify: fail }) },
  ...(['connected$', 'disconnected$', 'brokerState$'] as const).map((callback): Case => ({
    callback,
    subscribe: ({ sse }, fail) => (sse[callback] as Observable<unknown>).subscribe(() => fail()),
    except: ignoresResults,
  })),
  {
    callback: 'connected$',
    subscribe: ({ sse }, fail) => sse.connected$.pipe(map(() => fail())).subscribe(),
    except: ['rejects', 'returns nonsense'],
  },
  {
    callback: 'presence$',
    options: () => ({ rooms: { room: ROOM_OPTIONS }, identify: () => ({ user: 'somebody' }) }),
    subscribe: ({ sse }, fail) => sse.presence$('room').subscribe(() => fail()),
    except: ignoresResults,
  },
  {
    callback: 'stream()',
    subscribe: ({ sse }, fail) => sse.stream('room').subscribe(() => fail()),
    except: ignoresResults,
  },
];

const runs = cases.flatMap((each) =>
  Object.entries(failures)
    .filter(([way]) => each.except?.includes(way as keyof typeof failures) !== true)
    .map(([way, fail]) => ({
      ...each,
      reported: each.reported ?? each.callback,
      way,
      fail: fail as Failure,
    })),
);

describe.each(platforms)('a callback of the application that fails, on $name,', (platform) => {
  let running: RunningApp;
  const uncaught: unknown[] = [];
  const collect = (error: unknown): void => void uncaught.push(error);

  beforeEach(() => {
    uncaught.length = 0;
    process.on('uncaughtException', collect).on('unhandledRejection', collect);
  });
  afterEach(async () => {
    await running.close();
    process.off('uncaughtException', collect).off('unhandledRejection', collect);
  });

  const start = async (options: SseModuleOptions): Promise<void> => {
    running = await platform.start(sseApp({ controllers: [CallbackController], options }));
  };
  const logged = (): string[] => running.logger.complaints.map(({ text }) => text);

  it.each(runs)(
    'is reported by name and counted, while clients receive events and are forgotten: $reported $way',
    async ({ options, subscribe, reported, fail }) => {
      const counted: string[] = [];
      const given = options?.(fail) ?? {};
      await start({
        ...given,
        metrics: [
          { ...quiet, callbackFailed: (name: string) => counted.push(name) },
          given.metrics ?? [],
        ].flat(),
      });
      subscribe?.(running, fail);
      const stream = await running.listen('/stream');
      await running.sse.broadcast('room', 'one');
      expect((await stream.nextEvent()).data).toBe('one');
      stream.close();
      await eventually(() => running.sse.count() === 0, 'the end of the client');
      const again = await running.listen('/stream');
      await running.sse.broadcast('room', 'two');
      expect((await again.nextEvent()).data).toBe('two');
      await eventually(() => counted.includes(reported), 'the count');
      const lines = logged().filter((text) =>
        text.includes(`A callback of the application failed: ${reported}`),
      );
      // A repeated failure is one line in ten seconds.
      expect(lines).toHaveLength(1);
      await someTurns();
      expect(uncaught).toEqual([]);
    },
  );

  it('throws in the metrics that count failures, and nothing else fails', async () => {
    await start({
      identify: failures.throws,
      metrics: { ...quiet, callbackFailed: failures.throws, clientClosed: failures.throws },
    });
    const stream = await running.listen('/stream');
    stream.close();
    await eventually(() => running.sse.count() === 0, 'the end of the client');
    await someTurns();
    expect(uncaught).toEqual([]);
  });

  it.each(Object.entries(failures))(
    'refuses the call whose data `serialize` cannot turn into text: it %s',
    async (_way, fail) => {
      await start({ serialize: fail as Failure });
      await expect(running.sse.broadcast('room', { a: 1 })).rejects.toMatchObject({ code: 'invalid-data' });
      const stream = await running.listen('/stream');
      await running.sse.broadcast('room', 'text');
      expect((await stream.nextEvent()).data).toBe('text');
      await someTurns();
      expect(uncaught).toEqual([]);
    },
  );

  it.each(Object.entries(failures))(
    'refuses the call whose `where` decides nothing, and ends no stream: it %s',
    async (way, fail) => {
      await start({ rooms: { room: ROOM_OPTIONS }, identify: () => ({ user: 'somebody' }) });
      const stream = await running.listen('/stream');
      await eventually(async () => (await running.sse.presence('room')).length === 1, 'the member');
      const refused = running.sse.disconnect({ room: 'room', where: fail as Failure });
      await expect(refused).rejects.toMatchObject(
        way === 'throws' ? { message: 'the callback failed' } : { code: 'invalid-arguments' },
      );
      await running.sse.broadcast('room', 'still here');
      expect((await stream.nextEvent()).data).toBe('still here');
      await someTurns();
      expect(uncaught).toEqual([]);
    },
  );

  it.each(Object.entries(failures))(
    'refuses the request whose key `limits.keyOf` cannot tell, with 500, and keeps no slot of it: it %s',
    async (_way, fail) => {
      let fails = true;
      await start({ limits: { maxStreams: 1, keyOf: () => (fails ? (fail as Failure)() : 'a key') } });
      expect((await running.open('/stream')).status).toBe(500);
      fails = false;
      await running.listen('/stream');
      await someTurns();
      expect(uncaught).toEqual([]);
    },
  );

  it.each(Object.entries(failures))(
    'leaves a client forgotten whose room the broker of the application does not unsubscribe: it %s',
    async (_way, fail) => {
      const broker = new WrappedMemoryBroker();
      broker.unsubscribe = fail;
      await start({ broker });
      const stream = await running.listen('/stream');
      stream.close();
      await eventually(() => running.sse.count() === 0, 'the end of the client');
      expect(running.sse.rooms()).toEqual([]);
      await someTurns();
      expect(uncaught).toEqual([]);
    },
  );

  it('ends the stream whose source fails, as source-failed, and no other', async () => {
    await start({});
    const reasons: CloseReason[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const other = await running.listen('/stream');
    const failing = await running.open('/source?fail=now');
    await failing.ended;
    await running.sse.broadcast('room', 'one');
    expect((await other.nextEvent()).data).toBe('one');
    expect(reasons).not.toContain('client-gone');
    expect(uncaught).toEqual([]);
  });
});
