import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  Param,
  ParseIntPipe,
  Post,
  UseGuards,
  type CanActivate,
} from '@nestjs/common';
import { RunSignal, SseRun, SseRunTail, SseService } from 'nestjs-simple-sse';
import { openStream, type EventStream } from '../support/event-stream.js';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';

/** Gives the values of a run one by one, as a test asks for them. */
class Script {
  readonly #values: unknown[] = [];
  #wake: (() => void) | undefined;
  hasReturned = false;
  calls = 0;

  give(...values: unknown[]): void {
    this.#values.push(...values);
    this.#wake?.();
  }

  async *read(signal: AbortSignal): AsyncGenerator {
    this.calls++;
    signal.addEventListener('abort', () => this.#wake?.());
    try {
      for (;;) {
        while (this.#values.length === 0 && !signal.aborted)
          await new Promise<void>((resolve) => (this.#wake = resolve));
        if (signal.aborted) return;
        const value = this.#values.shift();
        if (value === 'END') return;
        if (value instanceof Error) throw value;
        yield value;
      }
    } finally {
      this.hasReturned = true;
    }
  }
}

const scripts = new Map<string, Script>();
const script = (run: string): Script => {
  let known = scripts.get(run);
  if (known === undefined) scripts.set(run, (known = new Script()));
  return known;
};

class NobodyGuard implements CanActivate {
  canActivate(): boolean {
    throw new ForbiddenException();
  }
}

@Controller()
class ChatController {
  @Post('chats/:id')
  @SseRun('chats/:id')
  answer(@Param('id') id: string, @RunSignal() signal: AbortSignal, @Body() _body: unknown) {
    return script(id).read(signal);
  }

  @Post('refusing/:id')
  @SseRun('chats/:id', { whenRunning: 'conflict' })
  refusing(@Param('id') id: string, @RunSignal() signal: AbortSignal) {
    return script(id).read(signal);
  }

  @Post('guarded')
  @UseGuards(NobodyGuard)
  @SseRun('guarded')
  guarded(): void {}

  @Post('piped/:number')
  @SseRun('piped/:number')
  piped(@Param('number', ParseIntPipe) n: number) {
    return [n].values();
  }

  @Get('chats/:id')
  @SseRunTail('chats/:id')
  tail(): void {}

  @Get('found/:id')
  @SseRunTail('chats/:id', { whenMissing: 'not-found' })
  found(): void {}

  @Get('waiting/:id')
  @SseRunTail('chats/:id', { whenMissing: 'wait' })
  waiting(): void {}

  @Get('running/:id')
  @SseRunTail('chats/:id', { whenEnded: 'no-content' })
  running(): void {}

  @Get('pure/:id')
  @SseRunTail('chats/:id', { control: false })
  pure(): void {}
}

const AppModule = sseApp({ controllers: [ChatController], options: { heartbeatIntervalMs: false } });

/** The end of a run, as its last event on a stream. */
async function endOf(stream: EventStream): Promise<unknown> {
  expect(await stream.ended).toBe('whole');
  const last = stream.events.at(-1);
  expect(last?.event).toBe('sse:end');
  return JSON.parse(last?.data ?? '') as unknown;
}

const dataOf = (stream: EventStream): string[] =>
  stream.events.filter(({ event }) => !event.startsWith('sse:')).map(({ data }) => data);

describe.each(platforms)('runs on $name', (platform) => {
  let app: RunningApp;
  let number = 0;
  let id: string;
  const post = (path = `chats/${id}`, headers = {}): Promise<EventStream> =>
    openStream(`${app.url}/${path}`, { method: 'POST', headers });
  const get = (path = `chats/${id}`, lastEventId?: string): Promise<EventStream> =>
    openStream(`${app.url}/${path}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    });

  beforeAll(async () => (app = await platform.start(AppModule)));
  afterAll(() => app.close());
  beforeEach(() => (id = `${platform.name}${number++}`));

  it('the answer of the POST is the run, with its end', async () => {
    script(id).give({ event: 'token', data: 'a' }, { n: 1 });
    const stream = await post();
    expect(stream.status).toBe(200);
    expect(await stream.nextEvents(2)).toEqual([
      { event: 'token', data: 'a', id: expect.stringMatching(/^3\.[0-9a-f]{16}\.1$/) },
      { event: 'message', data: '{"n":1}', id: expect.stringMatching(/^3\.[0-9a-f]{16}\.2$/) },
    ]);
    script(id).give('END');
    expect(await endOf(stream)).toEqual({ run: `chats/${id}`, state: 'done', events: 2 });
    expect(stream.events[0]).toMatchObject({ event: 'sse:ready' });
    expect(JSON.parse(stream.events[0]?.data ?? '')).toMatchObject({ run: `chats/${id}`, resumed: 'none' });
    expect(stream.parseErrors).toEqual([]);
  });

  it('the run goes on without its client, and a later one gets it from the beginning or from its last id', async () => {
    script(id).give('1');
    const first = await post();
    const [event] = await first.nextEvents(1);
    first.close();
    script(id).give('2', '3');
    const sse = app.get(SseService);
    await eventually(async () => (await sse.runs.status(`chats/${id}`))?.events === 3, 'three events');
    const late = await get();
    expect((await late.nextEvents(3)).map(({ data }) => data)).toEqual(['1', '2', '3']);
    const resumed = await get(`chats/${id}`, event?.id);
    expect((await resumed.nextEvents(2)).map(({ data }) => data)).toEqual(['2', '3']);
    script(id).give('4', 'END');
    for (const stream of [late, resumed])
      expect(await endOf(stream)).toMatchObject({ state: 'done', events: 4 });
    expect(dataOf(late)).toEqual(['1', '2', '3', '4']);
    expect(dataOf(resumed)).toEqual(['2', '3', '4']);
    const after = await get();
    expect(await endOf(after)).toMatchObject({ state: 'done' });
    expect(dataOf(after)).toEqual(['1', '2', '3', '4']);
    expect(script(id).calls).toBe(1);
  });

  it('a client that comes back after the end is answered with 204, and one that was cut before it gets the end', async () => {
    script(id).give('1', 'END');
    const stream = await post();
    await endOf(stream);
    const [, event, end] = stream.events;
    const whole = await get(`chats/${id}`, end?.id);
    expect([whole.status, await whole.text(), whole.headers['content-length']]).toEqual([204, '', undefined]);
    const cut = await get(`chats/${id}`, event?.id);
    expect(await endOf(cut)).toMatchObject({ state: 'done', events: 1 });
    expect(dataOf(cut)).toEqual([]);
    expect(cut.events.map(({ event: name }) => name)).toEqual(['sse:ready', 'sse:end']);
    expect((await get(`running/${id}`)).status).toBe(204);
    expect(await endOf(await get(`running/${id}`, event?.id))).toMatchObject({ state: 'done' });
  });

  it('a run that never was is answered with 204, with 404, or waited for', async () => {
    expect((await get()).status).toBe(204);
    const missing = await get(`found/${id}`);
    expect([missing.status, await missing.json()]).toEqual([
      404,
      expect.objectContaining({ statusCode: 404 }),
    ]);
    const waiting = await get(`waiting/${id}`);
    expect(waiting.status).toBe(200);
    expect(await waiting.nextEvent({ control: true })).toMatchObject({ event: 'sse:ready', id: undefined });
    script(id).give('1', 'END');
    await post();
    expect(await endOf(waiting)).toMatchObject({ state: 'done' });
    expect(dataOf(waiting)).toEqual(['1']);
  });

  it('of two POSTs at once one runs, and the other follows or is answered with 409', async () => {
    script(id).give('1');
    const streams = await Promise.all([post(), post()]);
    const refused = await post(`refusing/${id}`);
    expect(refused.status).toBe(409);
    script(id).give('2', 'END');
    for (const stream of streams) {
      expect(await endOf(stream)).toMatchObject({ state: 'done', events: 2 });
      expect(dataOf(stream)).toEqual(['1', '2']);
    }
    expect(script(id).calls).toBe(1);
    script(id).give('again', 'END');
    const again = await post();
    await endOf(again);
    expect(dataOf(again)).toEqual(['again']);
    script(id).give('third', 'END');
    const repeated = await post(`chats/${id}`, { 'last-event-id': again.events[1]?.id });
    await endOf(repeated);
    expect(repeated.events.map(({ event, data }) => [event, data.includes('"epoch"')])).toEqual([
      ['sse:ready', false],
      ['sse:gap', true],
      ['message', false],
      ['sse:end', false],
    ]);
    const earlier = await get(`chats/${id}`, streams[0]?.events[1]?.id);
    await endOf(earlier);
    expect(earlier.events.map(({ event, data }) => [event, data.includes('"epoch"')])).toEqual([
      ['sse:ready', false],
      ['sse:gap', true],
      ['message', false],
      ['sse:end', false],
    ]);
  });

  it('a failure before the first event is an HTTP status: of a guard, a pipe, or the producer', async () => {
    expect((await post('guarded')).status).toBe(403);
    expect((await post('piped/x')).status).toBe(400);
    expect(await endOf(await post('piped/7'))).toMatchObject({ events: 1 });
    script(id).give(new ForbiddenException('Not you'));
    const failed = await post();
    expect([failed.status, await failed.json()]).toEqual([
      403,
      expect.objectContaining({ message: 'Not you' }),
    ]);
    expect(await app.get(SseService).runs.status(`chats/${id}`)).toMatchObject({
      state: 'failed',
      events: 0,
    });
    script(id).give('1', 'END');
    expect((await post()).status).toBe(200);
  });

  it('a failure after the first event ends the run as failed', async () => {
    script(id).give('1', new Error('broken on purpose'));
    const stream = await post();
    expect(await endOf(stream)).toMatchObject({ state: 'failed', events: 1 });
    expect(stream.rawText).not.toContain('broken on purpose');
    const pure = await get(`pure/${id}`);
    expect(await pure.ended).toBe('cut');
  });

  it('stop aborts the producer, and every follower gets the end', async () => {
    script(id).give('1');
    const stream = await post();
    await stream.nextEvent();
    expect(await app.get(SseService).runs.stop(`chats/${id}`)).toMatchObject({ state: 'stopped', events: 1 });
    expect(await endOf(stream)).toMatchObject({ state: 'stopped' });
    await eventually(() => script(id).hasReturned, 'the end of the producer');
    expect(await app.get(SseService).runs.stop(`chats/${id}`)).toMatchObject({ state: 'stopped' });
    expect(await app.get(SseService).runs.stop('never')).toBeUndefined();
  });

  it('an id of a room, or of nothing, begins with the first event after a gap', async () => {
    script(id).give('1', 'END');
    const stream = await post();
    await endOf(stream);
    const epoch = stream.events[1]?.id?.split('.')[1];
    for (const foreign of ['1.0a1b2c3d.hof04li35s', 'x', `3.${epoch}.z`]) {
      const other = await get(`chats/${id}`, foreign);
      await endOf(other);
      expect(other.events.map(({ event }) => event)).toEqual(['sse:ready', 'sse:gap', 'message', 'sse:end']);
      expect(JSON.parse(other.events[1]?.data ?? '')).toEqual({
        rooms: [],
        reason: 'invalid',
        run: `chats/${id}`,
      });
    }
  });

  it('with control: false nothing but the events of the run is written', async () => {
    script(id).give({ event: 'token', data: 'a\nb' }, '[DONE]', 'END');
    await endOf(await post());
    const pure = await get(`pure/${id}`);
    await app.get(SseService).broadcast('*', 'to everybody');
    expect(await pure.ended).toBe('whole');
    const epoch = pure.events[0]?.id?.split('.')[1];
    expect(pure.rawText).toBe(
      `event: token\ndata: a\ndata: b\nid: 3.${epoch}.1\n\ndata: [DONE]\nid: 3.${epoch}.2\n\n`,
    );
    expect((await get(`pure/${id}`, `3.${epoch}.2`)).status).toBe(204);
  });
});
