import { Controller, Get, Post, UseGuards, UseInterceptors, type NestInterceptor } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import {
  MemoryBroker,
  SseError,
  SseRun,
  SseRunTail,
  SseTicketGuard,
  type SseService,
} from 'nestjs-simple-sse';
import { map, of, Subject } from 'rxjs';
import { openStream, type EventStream } from '../support/event-stream.js';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS, someTurns, within } from '../support/within.js';

class ShoutingInterceptor implements NestInterceptor {
  intercept: NestInterceptor['intercept'] = (_context, next) =>
    next.handle().pipe(map((value: unknown) => `${String(value)}!`));
}

/** What the handlers of the next POST return. */
let produced: () => unknown;

@Controller()
class RunController {
  @Post('run')
  @SseRun('run', { restart: false })
  run() {
    return produced();
  }

  @Post('conflict')
  @SseRun('run', { restart: false, whenRunning: 'conflict' })
  conflict() {
    return produced();
  }

  @Post('intercepted')
  @SseRun('run')
  @UseInterceptors(ShoutingInterceptor)
  intercepted() {
    return produced();
  }

  @Post('named')
  @SseRun(({ query }) => String(query['name']))
  named() {
    return produced();
  }

  @Get('tail')
  @SseRunTail('run')
  tail(): void {}

  @Get('texts')
  @SseRunTail('run', { compact: 'concat' })
  texts(): void {}

  @Get('pure')
  @SseRunTail('run', { control: false })
  pure(): void {}

  @Get('ticket')
  @UseGuards(SseTicketGuard)
  @SseRunTail('run')
  ticket(): void {}
}

const dataOf = ({ events }: EventStream): string[] =>
  events.filter(({ event }) => !event.startsWith('sse:')).map(({ data }) => data);

describe.each(platforms)('followers of runs on $name', (platform) => {
  let app: RunningApp;
  let sse: SseService;
  let broker: MemoryBroker;
  const post = (path: string): Promise<EventStream> => openStream(`${app.url}/${path}`, { method: 'POST' });
  const get = (path: string, headers: Record<string, string> = {}): Promise<EventStream> =>
    app.open(`/${path}`, { headers });

  beforeEach(async () => {
    produced = () => ['1', '2'].values();
    broker = new MemoryBroker();
    const options = { broker, heartbeatIntervalMs: 20 };
    app = await platform.start(sseApp({ controllers: [RunController], options }));
    sse = app.sse;
  });
  afterEach(() => app.close());

  it('follow a run that has ended where restart is false, or are answered with 409', async () => {
    for (let n = 0; n < 2; n++) {
      const stream = await post('run');
      expect([await stream.ended, dataOf(stream)]).toEqual(['whole', ['1', '2']]);
      produced = () => ['another'].values();
    }
    expect((await post('conflict')).status).toBe(409);
    const found = await sse.runs.start('run', 'x', { restart: false });
    expect([found.isStarted, await found.ended()]).toEqual([
      false,
      expect.objectContaining({ state: 'done', events: 2 }),
    ]);
  });

  it('that have the end of an earlier run of the name are answered with 204', async () => {
    await (await sse.runs.start('run', ['1'].values())).ended();
    const stream = await get('tail');
    await stream.ended;
    const id = stream.events.at(-1)?.id ?? '';
    expect(id).toMatch(/\.end$/);
    await sse.runs.start('run', new Subject());
    expect((await get('tail', { 'last-event-id': id })).status).toBe(204);
  });

  it('get the values of the handler, which interceptors below the decorator do not see', async () => {
    produced = () => of('1', '2');
    const stream = await post('intercepted');
    expect([await stream.ended, dataOf(stream)]).toEqual(['whole', ['1', '2']]);
  });

  it('get live events one by one, and late ones merged, with compact', async () => {
    const source$ = new Subject<string>();
    await sse.runs.start('run', source$);
    const live = await get('texts');
    source$.next('a');
    await live.nextEvent();
    for (const text of ['b', 'c', 'd', 'e']) source$.next(text);
    await live.nextEvents(4);
    const late = await get('texts');
    source$.complete();
    await Promise.all([live.ended, late.ended]);
    expect(dataOf(live)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(dataOf(late)).toEqual(['abcde']);
  });

  it('get a failed run where a value has an id of its own, which the log explains', async () => {
    await sse.runs.start('run', ['1', { data: '2', id: '7' }, '3'].values());
    const stream = await get('tail');
    expect([await stream.ended, dataOf(stream)]).toEqual(['whole', ['1']]);
    expect(JSON.parse(stream.events.at(-1)?.data ?? '')).toMatchObject({ state: 'failed', events: 1 });
    expect(JSON.stringify(app.logger)).toContain('Put your own id into the data');
  });

  it('are answered with 503 where the broker cannot be reached, and an EventSource with a stream that ends', async () => {
    broker.runs.read = () => Promise.reject(new SseError('broker-unavailable', 'on purpose'));
    const refused = await get('tail', { accept: 'application/json' });
    expect([refused.status, await refused.text()]).toEqual([
      503,
      expect.stringContaining('cannot be reached'),
    ]);
    const stream = await get('tail', { accept: 'text/event-stream' });
    expect([stream.status, await stream.ended, stream.events]).toEqual([200, 'whole', []]);
    expect(stream.retries).toHaveLength(1);
  });

  it('are in no room, with a session in their URL too, and get no event of a room on a pure stream', async () => {
    const source$ = new Subject<string>();
    await sse.runs.start('run', source$);
    const streams = [await get(`tail?session=${randomUUID()}`), await get('pure')];
    await eventually(() => sse.count() === 2, 'two clients');
    expect([...sse.rooms()]).toEqual([]);
    for (const client of sse.clients()) await sse.join(client, 'room');
    await sse.broadcast('room', 'to the room');
    await sse.broadcast('*', 'to everybody');
    await someTurns(50);
    source$.next('1');
    source$.complete();
    await Promise.all(streams.map(({ ended }) => ended));
    expect(streams[1]?.rawText).toMatch(/^data: 1\nid: \S+\n\n$/);
    expect(streams[0] && dataOf(streams[0])).toContain('1');
  });

  it('need a ticket with the name of the run, where the ticket names rooms', async () => {
    await sse.runs.start('run', new Subject());
    const ticket = (rooms: string[]): Promise<string> => sse.tickets.issue({ user: 'ann', rooms });
    expect((await get(`ticket?ticket=${await ticket(['another'])}`)).status).toBe(403);
    expect((await get(`ticket?ticket=${await ticket(['run'])}`)).status).toBe(200);
  });

  it('that read slowly get the whole run, once and in order, and hold nobody up', async () => {
    const count = 3_000;
    const filling = 'x'.repeat(4_000);
    const produce = function* () {
      for (let n = 0; n < count; n++) yield `${n} ${filling}`;
    };
    const waiting = new Subject<void>();
    const run = await sse.runs.start(
      'run',
      async function* () {
        await new Promise<void>((resolve) => waiting.subscribe(resolve));
        yield* produce();
      },
      { maxBytes: 2 ** 26, maxEvents: count },
    );
    const [slow, fast] = [await get('tail'), await get('tail')];
    slow.pause();
    waiting.next();
    expect(await within(run.ended(), 'the end of the run', PATIENCE_MS)).toMatchObject({ events: count });
    await within(fast.ended, 'the end of the fast follower', PATIENCE_MS);
    expect(slow.isOpen).toBe(true);
    slow.resume();
    await within(slow.ended, 'the end of the slow follower', PATIENCE_MS);
    for (const stream of [slow, fast])
      expect(dataOf(stream).map((data) => Number.parseInt(data, 10))).toEqual([...Array(count).keys()]);
  });

  it('that vanish in the middle, and come back several at once, are no burden to the run', async () => {
    const source$ = new Subject<string>();
    await sse.runs.start('run', source$);
    const gone = await Promise.all(Array.from({ length: 20 }, () => get('tail')));
    source$.next('1');
    await Promise.all(gone.map((stream) => stream.nextEvent()));
    const id = gone[0]?.events.at(-1)?.id ?? '';
    for (const stream of gone) stream.close();
    await eventually(() => sse.count() === 0, 'no client left');
    source$.next('2');
    const back = await Promise.all(gone.map(() => get('tail', { 'last-event-id': id })));
    source$.next('3');
    source$.complete();
    for (const stream of back) expect([await stream.ended, dataOf(stream)]).toEqual(['whole', ['2', '3']]);
  });

  it('get the status of a bad request for a name that is none', async () => {
    for (const name of ['', '%00', 'x'.repeat(10_000)]) {
      const { status } = await post(`named?name=${name}`);
      expect([name.slice(0, 3), status >= 400 && status < 600]).toEqual([name.slice(0, 3), true]);
    }
    expect(sse.count()).toBe(0);
  });
});
