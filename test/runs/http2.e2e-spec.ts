import { connect, constants } from 'node:http2';
import { Controller, ForbiddenException, Get, Param, Post } from '@nestjs/common';
import { SseRun, SseRunTail } from 'nestjs-simple-sse';
import { ReplaySubject } from 'rxjs';
import type { EventStream } from '../support/event-stream.js';
import { http2Platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS, within } from '../support/within.js';

const producers = new Map<string, ReplaySubject<string>>();
const producerOf = (id: string): ReplaySubject<string> => {
  let producer = producers.get(id);
  if (producer === undefined) producers.set(id, (producer = new ReplaySubject<string>()));
  return producer;
};

@Controller()
class AnswerController {
  @Post('answers/:id')
  @SseRun('answers/:id')
  answer(@Param('id') id: string) {
    return producerOf(id);
  }

  @Get('answers/:id')
  @SseRunTail('answers/:id')
  tail(): void {}

  @Get('pure/:id')
  @SseRunTail('answers/:id', { control: false })
  pure(): void {}
}

const AppModule = sseApp({ controllers: [AnswerController], options: { heartbeatIntervalMs: false } });

/** Waits for the end of a stream that has only these data, and returns the state of the run. */
async function endAfter(stream: EventStream, data: readonly string[]): Promise<unknown> {
  expect(await within(stream.ended, 'the end of the stream', PATIENCE_MS)).toBe('whole');
  const own = stream.events.filter(({ event }) => !event.startsWith('sse:'));
  expect(own.map((event) => event.data)).toEqual(data);
  expect(stream.parseErrors).toEqual([]);
  const last = stream.events.at(-1);
  expect(last?.event).toBe('sse:end');
  return JSON.parse(last?.data ?? '') as unknown;
}

describe.each(http2Platforms)('a run over HTTP/2 on $name', (platform) => {
  let app: RunningApp;
  let id: string;
  let number = 0;
  const post = (): Promise<EventStream> => app.open(`/answers/${id}`, { method: 'POST' });
  const follow = (lastEventId?: string, path = 'answers'): Promise<EventStream> =>
    app.open(
      `/${path}/${id}`,
      lastEventId === undefined ? {} : { headers: { 'last-event-id': lastEventId } },
    );

  beforeAll(async () => (app = await platform.start(AppModule)));
  afterAll(() => app.close());
  beforeEach(() => (id = `${platform.name}${number++}`));
  afterEach(async () => {
    await app.disconnectAll();
    expect(app.logger.complaints).toEqual([]);
  });

  it('is the answer of its POST, and is followed by another stream of the same connection', async () => {
    producerOf(id).next('one');
    const answer = await post();
    expect([answer.status, answer.isEventStream]).toEqual([200, true]);
    await answer.nextEvent();
    const follower = await follow();
    await follower.nextEvent();
    producerOf(id).next('two');
    producerOf(id).complete();
    for (const stream of [answer, follower])
      expect(await endAfter(stream, ['one', 'two'])).toEqual({
        run: `answers/${id}`,
        state: 'done',
        events: 2,
      });
  });

  it('goes on after RST_STREAM of the stream that has started it, while other streams of the connection follow', async () => {
    producerOf(id).next('one');
    const answer = await post();
    const follower = await follow();
    const { id: lastId } = await answer.nextEvent();
    const clients = app.sse.count();
    // RST_STREAM with CANCEL, as a browser sends it for a closed tab.
    answer.close();
    await eventually(() => app.sse.count() === clients - 1, 'the server to forget the client');
    expect(producerOf(id).observed).toBe(true);
    producerOf(id).next('two');
    await follower.nextEvents(2);
    const resumed = await follow(lastId);
    producerOf(id).next('three');
    producerOf(id).complete();
    expect(await endAfter(follower, ['one', 'two', 'three'])).toMatchObject({ state: 'done', events: 3 });
    expect(await endAfter(resumed, ['two', 'three'])).toMatchObject({ state: 'done', events: 3 });
  });

  it('is answered with 204, without a body, to a client that has received its end, and to one of no run', async () => {
    expect((await follow()).status).toBe(204);
    producerOf(id).next('one');
    producerOf(id).complete();
    const answer = await post();
    await endAfter(answer, ['one']);
    const [, event, end] = answer.events;
    const ended = await follow(end?.id);
    expect([ended.status, await ended.text()]).toEqual([204, '']);
    // One that was cut before the end gets it.
    expect(await endAfter(await follow(event?.id), [])).toMatchObject({ state: 'done' });
  });

  it('is stopped while streams of the connection follow it: each gets the end', async () => {
    producerOf(id).next('one');
    const streams = [await post(), await follow(), await follow()];
    for (const stream of streams) await stream.nextEvent();
    expect(await app.sse.runs.stop(`answers/${id}`)).toMatchObject({ state: 'stopped', events: 1 });
    for (const stream of streams) expect(await endAfter(stream, ['one'])).toMatchObject({ state: 'stopped' });
    expect(producerOf(id).observed).toBe(false);
  });

  it('that fails before its first event is an HTTP status, and one that fails later cuts a pure stream', async () => {
    producerOf(id).error(new ForbiddenException('Not you'));
    expect((await post()).status).toBe(403);
    id = `${platform.name}${number++}`;
    producerOf(id).next('one');
    const answer = await post();
    const pure = await follow(undefined, 'pure');
    await pure.nextEvent();
    producerOf(id).error(new Error('broken on purpose'));
    expect(await endAfter(answer, ['one'])).toMatchObject({ state: 'failed' });
    expect(await within(pure.ended, 'the end of the pure stream')).toBe('cut');
    expect(pure.rawText).not.toContain('sse:');
    expect(app.logger.complaints.map(({ text }) => text).join()).toContain('broken on purpose');
    app.logger.clear();
  });

  it('ends with the connection of its client for no other client', async () => {
    producerOf(id).next('one');
    const session = connect(app.url, { rejectUnauthorized: false });
    session.on('error', () => {});
    const answer = await app.open(`/answers/${id}`, { method: 'POST', session });
    const { id: lastId } = await answer.nextEvent();
    session.destroy(undefined, constants.NGHTTP2_CANCEL);
    producerOf(id).next('two');
    const resumed = await follow(lastId);
    producerOf(id).complete();
    expect(await endAfter(resumed, ['two'])).toMatchObject({ state: 'done', events: 2 });
  });
});
