import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventSource } from 'eventsource';
import {
  MemoryBroker,
  RunSignal,
  SseModule,
  SseRoom,
  SseRun,
  SseRunTail,
  SseService,
  type MergeRunEvents,
} from 'nestjs-simple-sse';
import { interval, map, NEVER, Observable, of } from 'rxjs';
import { openStream, type EventStream } from '../support/event-stream.js';
import { express, platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, someTurns, within } from '../support/within.js';

/** Adds numbers, and refuses to touch `0`. */
const add: MergeRunEvents = (earlier, later) =>
  earlier.data === '0' || later.data === '0'
    ? undefined
    : { event: 'sum', data: String(Number(earlier.data) + Number(later.data)) };

@Controller()
class TailController {
  @Get('tail')
  @SseRunTail('run')
  tail(): void {}

  @Get('texts')
  @SseRunTail('run', { compact: 'concat' })
  texts(): void {}

  @Get('sums')
  @SseRunTail('run', { compact: add, retryMs: 70 })
  sums(): void {}

  @Get('pure')
  @SseRoom({ control: false })
  async *pure() {
    yield { event: 'a', data: 1 };
    yield '[DONE]';
  }

  @Get('pure-failure')
  @SseRoom({ control: false })
  async *pureFailure() {
    yield 'before';
    await someTurns();
    throw new Error('broken on purpose');
  }

  @Post('endless')
  @SseRun('endless')
  async *endless(@RunSignal() signal: AbortSignal) {
    yield 'begun';
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    aborted.push('endless');
  }
}

const aborted: string[] = [];
const dataOf = ({ events }: EventStream): string[] =>
  events.filter(({ event }) => !event.startsWith('sse:')).map(({ data }) => data);
const namesOf = ({ events }: EventStream): string[] => events.map(({ event }) => event);

describe.each(platforms)('the bounds of runs on $name', (platform) => {
  let app: RunningApp;
  let sse: SseService;
  const get = (path: string, lastEventId?: string): Promise<EventStream> =>
    openStream(`${app.url}/${path}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    });

  beforeEach(async () => {
    app = await platform.start(sseApp({ controllers: [TailController], options: { retryMs: 10 } }));
    sse = app.sse;
  });
  afterEach(() => app.close());

  it('beyond maxEvents the oldest events are let go, which followers and status tell', async () => {
    const run = await sse.runs.start('run', [1, 2, 3, 4, 5].values(), { maxEvents: 2 });
    expect(await run.ended()).toMatchObject({ state: 'done', events: 5, droppedEvents: 3 });
    const stream = await get('tail');
    expect(await stream.ended).toBe('whole');
    expect(namesOf(stream)).toEqual(['sse:ready', 'sse:gap', 'message', 'message', 'sse:end']);
    expect(dataOf(stream)).toEqual(['4', '5']);
    expect(JSON.parse(stream.events[1]?.data ?? '')).toMatchObject({ reason: 'trimmed' });
    const resumed = await get('tail', stream.events[2]?.id);
    expect([await resumed.ended, dataOf(resumed), namesOf(resumed).includes('sse:gap')]).toEqual([
      'whole',
      ['5'],
      false,
    ]);
  });

  it('a late follower gets few events, and a resume from any id in the middle is exact', async () => {
    const words = ['a', 'b', { n: 1 }, 'c', { event: 'x', data: 'd' }, { event: 'x', data: 'e\nf' }];
    await (await sse.runs.start('run', words.values())).ended();
    const late = await get('texts');
    await late.ended;
    expect(dataOf(late)).toEqual(['ab', '{"n":1}', 'c', 'de\nf']);
    const whole = await get('tail');
    await whole.ended;
    const singles = whole.events.slice(1, -1);
    const texts = ['ab', '{"n":1}', 'c', 'de\nf'].join('|');
    for (const [index, { id }] of singles.entries()) {
      const rest = await get('texts', id);
      await rest.ended;
      const before = singles
        .slice(0, index + 1)
        .map(({ data }) => data)
        .join('');
      expect(before + dataOf(rest).join('')).toBe(texts.replaceAll('|', ''));
    }
    // The id of a merged event is that of the last one in it.
    expect(late.events[1]?.id).toBe(singles[1]?.id);
  });

  it('a function merges what a late follower missed', async () => {
    await (await sse.runs.start('run', [1, 2, 0, 3, 4].values())).ended();
    const late = await get('sums');
    await late.ended;
    expect(late.events.slice(1, -1).map(({ event, data }) => [event, data])).toEqual([
      ['sum', '3'],
      ['message', '0'],
      ['sum', '7'],
    ]);
  });

  it('a stream begins with the retry time of its route, or else that of the module', async () => {
    const producer = ['1'].values();
    await (await sse.runs.start('run', producer)).ended();
    for (const [path, retryMs] of [
      ['sums', 70],
      ['tail', 10],
    ] as const) {
      const stream = await get(path);
      await stream.ended;
      expect(stream.retries).toEqual([retryMs]);
    }
  });

  it('a stream without rooms and with control: false has nothing but its values', async () => {
    const stream = await get('pure?sse=heartbeat');
    expect([await stream.ended, stream.rawText]).toEqual(['whole', 'event: a\ndata: 1\n\ndata: [DONE]\n\n']);
    const failed = await get('pure-failure');
    expect([await failed.ended, failed.rawText]).toEqual(['cut', 'data: before\n\n']);
  });

  it('a closing node ends its runs as failed, and their followers get the end', async () => {
    const stream = await openStream(`${app.url}/endless`, { method: 'POST' });
    await stream.nextEvent();
    await app.shutDown();
    expect(await stream.ended).toBe('whole');
    expect(JSON.parse(stream.events.at(-1)?.data ?? '')).toMatchObject({
      state: 'failed',
      reason: 'shutdown',
    });
    expect(aborted.pop()).toBe('endless');
  });

  it('a native EventSource gets the run once, and stops for good after its end', async () => {
    await (await sse.runs.start('run', ['1', '2'].values())).ended();
    const source = new EventSource(`${app.url}/tail`);
    const received: string[] = [];
    const statuses: (number | undefined)[] = [];
    for (const name of ['message', 'sse:end'])
      source.addEventListener(name, ({ type }) => received.push(type));
    source.addEventListener('error', ({ code }) => statuses.push(code));
    await eventually(() => source.readyState === EventSource.CLOSED, 'the end of the EventSource', 20_000);
    expect(received).toEqual(['message', 'message', 'sse:end']);
    expect(statuses.at(-1)).toBe(204);
  });
});

describe('runs', () => {
  let app: RunningApp;
  let sse: SseService;
  const start = async (options: Parameters<typeof sseApp>[0] = {}): Promise<void> => {
    app = await express.start(sseApp({ controllers: [TailController], ...options }));
    sse = app.sse;
  };
  afterEach(() => app.close());

  it.each<[string, unknown, string[]]>([
    ['an Observable', of('a', { b: 1 }), ['a', '{"b":1}']],
    ['a promise of an iterable', Promise.resolve(['a', 'b'].values()), ['a', 'b']],
    ['a ReadableStream', new Blob(['x']).stream().pipeThrough(new TextDecoderStream()), ['x']],
    ['one value', { event: 'e', data: 'one' }, ['one']],
    ['a function', () => ['f'].values(), ['f']],
    ['nothing', undefined, []],
  ])('take %s as their producer', async (_name, producer, data) => {
    await start();
    const run = await sse.runs.start('run', producer);
    expect(run.isStarted).toBe(true);
    expect(await run.ended()).toMatchObject({ state: 'done', events: data.length });
    const stream = await openStream(`${app.url}/tail`);
    await stream.ended;
    expect(dataOf(stream)).toEqual(data);
  });

  it('are aborted at maxDurationMs, as failed with the reason deadline', async () => {
    await start();
    let unsubscribed = false;
    const source$ = new Observable<string>(() => () => void (unsubscribed = true));
    const run = await sse.runs.start('run', source$, { maxDurationMs: 1 });
    expect(await run.ended()).toMatchObject({ state: 'failed', reason: 'deadline' });
    expect(unsubscribed).toBe(true);
  });

  it('fail where an Observable is far ahead of the broker, and log why', async () => {
    await start();
    const flood$ = new Observable<number>((subscriber) => {
      for (let n = 0; n < 20_000; n++) subscriber.next(n);
    });
    expect(await (await sse.runs.start('run', flood$)).ended()).toMatchObject({ state: 'failed' });
    expect(JSON.stringify(app.logger)).toContain('AsyncIterable');
  });

  it('are pulled at the pace of the broker', async () => {
    const broker = new MemoryBroker();
    let release!: () => void;
    const blocked = new Promise<void>((resolve) => (release = resolve));
    const append = broker.runs.append.bind(broker.runs);
    broker.runs.append = async (...call) => blocked.then(() => append(...call));
    await start({ options: { broker } });
    let pulled = 0;
    const run = await sse.runs.start('run', function* () {
      for (; pulled < 5_000; pulled++) yield pulled;
    });
    await someTurns();
    expect(pulled).toBeLessThan(1_000);
    release();
    expect(await run.ended()).toMatchObject({ state: 'done', events: 5_000 });
  });

  it('go on where the broker cannot be reached for a while, and lose and repeat nothing', async () => {
    const broker = new MemoryBroker();
    const append = broker.runs.append.bind(broker.runs);
    const { SseError } = await import('nestjs-simple-sse');
    let calls = 0;
    broker.runs.append = async (...call) => {
      calls++;
      // The first call is not made, and of the second one the answer is lost.
      if (calls === 2) await append(...call);
      if (calls <= 2) throw new SseError('broker-unavailable', 'on purpose');
      return append(...call);
    };
    await start({ options: { broker } });
    await (await sse.runs.start('run', ['1', '2', '3'].values())).ended();
    const stream = await openStream(`${app.url}/tail`);
    await stream.ended;
    expect(dataOf(stream)).toEqual(['1', '2', '3']);
  });

  it('start once for calls at once, over two nodes with one store', async () => {
    const shared = new MemoryBroker();
    const broker = new MemoryBroker();
    Object.defineProperty(broker, 'runs', { value: shared.runs });
    await start({ options: { broker: shared } });
    const other = await express.start(sseApp({ controllers: [TailController], options: { broker } }));
    try {
      const read: number[] = [];
      const producer = (node: number) =>
        function* () {
          read.push(node);
          yield node;
        };
      const started = await Promise.all(
        [sse, other.sse, sse, other.sse].map((each, node) => each.runs.start('run', producer(node))),
      );
      expect(started.filter(({ isStarted }) => isStarted)).toHaveLength(1);
      const ended = await Promise.all(started.map((run) => run.ended()));
      expect(ended.map((status) => status?.events)).toEqual([1, 1, 1, 1]);
      expect(read).toHaveLength(1);
      await sse.runs.start('endless', NEVER);
      expect(await other.sse.runs.stop('endless')).toMatchObject({ state: 'stopped' });
    } finally {
      await other.close();
    }
  });

  it('finish within drainMs while their followers move on', async () => {
    await start({ options: { runs: { drainMs: 20_000 } } });
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const run = await sse.runs.start('run', async function* () {
      yield '1';
      await finished;
      yield '2';
    });
    const stream = await openStream(`${app.url}/tail`);
    await stream.nextEvent();
    const closing = app.shutDown();
    expect(await within(stream.ended, 'the end of the follower')).toBe('whole');
    expect(namesOf(stream)).not.toContain('sse:end');
    finish();
    expect(await run.ended()).toMatchObject({ state: 'done', events: 2 });
    await closing;
    await expect(sse.runs.start('late', 'x')).rejects.toMatchObject({ code: 'broker-closed' });
  });

  it('are refused beyond maxRuns, and with arguments that are wrong', async () => {
    await start({ options: { runs: { maxRuns: 1 } } });
    await sse.runs.start('one', interval(1_000_000).pipe(map(String)));
    expect((await sse.runs.start('one', 'x')).isStarted).toBe(false);
    await expect(sse.runs.start('two', 'x')).rejects.toMatchObject({ code: 'too-many-runs' });
    expect((await openStream(`${app.url}/endless`, { method: 'POST' })).status).toBe(503);
    await expect(sse.runs.start('', 'x')).rejects.toMatchObject({ code: 'invalid-room' });
    await expect(sse.runs.start('x', 'x', { keepMS: 1 } as object)).rejects.toThrow('Did you mean "keepMs"?');
    await expect(sse.runs.start('x', 'x', { maxEvents: 0 })).rejects.toThrow('maxEvents');
  });

  it('run in an application context without a server, which closes without a handle left', async () => {
    await start();
    @Module({ imports: [SseModule.forRoot()] })
    class WorkerModule {}
    const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    const workerSse = worker.get(SseService);
    expect(await (await workerSse.runs.start('job', ['a', 'b'].values())).ended()).toMatchObject({
      state: 'done',
    });
    await workerSse.runs.start('unfinished', NEVER);
    await worker.close();
  });
});

/** Starts an application that must be refused. */
async function starting(options: Parameters<typeof sseApp>[0]): Promise<void> {
  const app = await express.start(sseApp(options));
  await app.close();
}

describe('the start of an application is refused', () => {
  class WithoutRuns extends MemoryBroker {
    override readonly runs = undefined as never;
  }

  it('for a route of a run and a broker without runs, by name', async () => {
    const options = { broker: new WithoutRuns() };
    await expect(starting({ controllers: [TailController], options })).rejects.toThrow(
      '@SseRunTail() on TailController.tail() needs a broker that stores runs',
    );
    await expect(starting({ options: { ...options, runs: {} } })).rejects.toThrow('The option "runs"');
  });

  it('for options that are wrong', async () => {
    await expect(starting({ options: { runs: { leaseMS: 1 } as object } })).rejects.toThrow(
      'no option "runs.leaseMS". Did you mean',
    );
    expect(() => SseRunTail('x', { whenMissing: 'never' as never })).toThrow('"no-content" or');
    expect(() => SseRun('x', { compacts: 1 } as object)).toThrow('@SseRun() has no option "compacts"');
    expect(() => SseRun('x', { retryMs: -1 })).toThrow('The option "retryMs" of @SseRun() is');
    expect(() => SseRunTail('x', { retryMs: 1, control: false })).toThrow('both "retryMs" and "control');
    expect(() => SseRun(undefined as never)).toThrow('takes the name of a run');
  });

  it('for a run and a room on one route, and control: false with a room', async () => {
    @Controller()
    class BothController {
      @Get()
      @SseRoom('room')
      @SseRunTail('run')
      both(): void {}
    }
    await expect(starting({ controllers: [BothController] })).rejects.toThrow('Use one of them');
    @Controller()
    class PureController {
      @Get()
      @SseRoom('room', { control: false })
      pure(): void {}
    }
    await expect(starting({ controllers: [PureController] })).rejects.toThrow('"control"');
  });
});
