import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext, Type } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { TerminusModule } from '@nestjs/terminus';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import { SseHealthIndicator } from 'nestjs-simple-sse/terminus';
import { filter, firstValueFrom } from 'rxjs';
import { platforms } from '../support/platforms.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import { unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp, type SseAppMetadata } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import { accessLine, serializers, withoutSecrets } from './code/access-log.js';
import { AnswersController } from './code/answers.js';
import { BanGuard, Bans } from './code/bans.js';
import { ChatController } from './code/chat.js';
import { DescribedController } from './code/described.js';
import { ExpiringController } from './code/expiry.js';
import { HealthController } from './code/health.js';
import { Imports, ImportsController } from './code/import-job.js';
import { limited, LimitedController } from './code/limits.js';
import { Model } from './code/model.js';
import { Notifications, NotificationsController } from './code/notifications.js';
import { Orders, OrdersController } from './code/orders.js';
import { metrics, MetricsController } from './code/prometheus.js';
import type { SignedIn } from './code/session.guard.js';

const as = (user: string): { headers: Record<string, string> } => ({ headers: { 'x-user': user } });

/** Returns the next event with its data. */
async function next(stream: EventStream): Promise<[string, unknown]> {
  const { event, data } = await stream.nextEvent();
  return [event, JSON.parse(data)];
}

/** The part of an execution context that a guard of the recipes reads. */
const contextOf = (id: string): ExecutionContext =>
  unchecked({ switchToHttp: () => ({ getRequest: () => ({ user: { id } }) }) });

const identify: SseModuleOptions['identify'] = ({ request }) => {
  const { user } = request as Partial<SignedIn>;
  return user && { user: user.id };
};

describe.each(platforms)('the recipes, on $name', (platform) => {
  let running: RunningApp;
  afterEach(() => running.close());

  async function start(
    controller: Type,
    metadata: Omit<SseAppMetadata, 'controllers'> = {},
  ): Promise<RunningApp> {
    return (running = await platform.start(sseApp({ ...metadata, controllers: [controller] })));
  }

  it('notifications reach the streams of their user, and no other', async () => {
    await start(NotificationsController, { providers: [Notifications] });
    const [ann, bob] = [
      await running.listen('/notifications', as('ann')),
      await running.listen('/notifications', as('bob')),
    ];
    await running.get(Notifications).notify('ann', 'for Ann');
    await running.get(Notifications).notify('bob', 'for Bob');
    expect(await next(ann)).toEqual(['notified', { text: 'for Ann' }]);
    expect(await next(bob)).toEqual(['notified', { text: 'for Bob' }]);
    expect((await running.open('/notifications')).status).toBe(401);
  });

  it('an order is refused to others, and begins with its state', async () => {
    await start(OrdersController, { providers: [Orders] });
    const orders = running.get(Orders);
    const order = { id: '7', owner: 'ann', state: 'new' };
    await orders.save(order);
    expect((await running.open('/orders/7/events', as('bob'))).status).toBe(404);
    const stream = await running.listen('/orders/7/events', as('ann'));
    expect(await next(stream)).toEqual(['snapshot', order]);
    await orders.save({ ...order, state: 'paid' });
    const { id } = await stream.nextEvent();
    stream.close();
    await orders.save({ ...order, state: 'shipped' });
    const resumed = await running.listen('/orders/7/events', {
      headers: { ...as('ann').headers, 'Last-Event-ID': id as string },
    });
    expect(await next(resumed)).toEqual(['changed', { ...order, state: 'shipped' }]);
    await orders.save({ ...order, state: 'paid' });
    expect(await next(resumed)).toEqual(['changed', { ...order, state: 'paid' }]);
  });

  it('a chat message reaches its author and the other members', async () => {
    await start(ChatController);
    const streams = await Promise.all(
      ['ann', 'bob'].map((user) => running.listen('/chats/1/events', as(user))),
    );
    const answer = await running.open('/chats/1/messages', {
      method: 'POST',
      headers: { 'x-user': 'ann', 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'hello' }),
    });
    expect(JSON.parse(await answer.text())).toEqual({ position: expect.any(String) });
    streams.push(await running.listen('/chats/1/events', as('eve'))); // begins with the message
    for (const stream of streams)
      expect(await next(stream)).toEqual(['said', { from: 'ann', text: 'hello' }]);
  });

  it('a page that opens after a job has ended receives its last progress and its end', async () => {
    await start(ImportsController, { providers: [Imports] });
    const id = running.get(Imports).start(
      (async function* () {
        yield* ['a', 'b'];
      })(),
    );
    const ended = running.sse.stream(`imports/${id}`).pipe(filter(({ event }) => event === 'finished'));
    await within(firstValueFrom(ended), 'the end of the job');
    const stream = await running.listen(`/imports/${id}/events`);
    expect(await next(stream)).toEqual(['progress', { done: 2, row: 'b' }]);
    expect(await next(stream)).toEqual(['finished', { done: 2 }]);
  });

  it('a job tells its progress and its end', async () => {
    await start(ImportsController, { providers: [Imports] });
    const since = await running.sse.position();
    const started = await running.open('/imports', { method: 'POST' });
    const { id } = JSON.parse(await started.text()) as { id: string };
    const stream = await running.listen(`/imports/${id}/events?lastEventId=${since}`);
    const events: ReceivedEvent[] = [];
    while (events.at(-1)?.event !== 'finished') events.push(await stream.nextEvent());
    expect(events.map(({ event, data }) => [event, (JSON.parse(data) as { done: number }).done])).toEqual([
      ['progress', 1],
      ['progress', 2],
      ['progress', 3],
      ['finished', 3],
    ]);
  });

  it('an answer is streamed to a POST, and its model stops with the client', async () => {
    await start(AnswersController, { providers: [Model] });
    const post = (prompt: string): Promise<EventStream> =>
      running.open('/answers', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt }),
      });
    const whole = await post('to be or not');
    expect(whole.status).toBe(200);
    await within(whole.ended, 'the end');
    expect(whole.events.map(({ event, data }) => `${event} ${data}`.trim())).toEqual([
      ...['to', 'be', 'or', 'not'].map((word) => `token ${word}`),
      'done',
    ]);
    const cut = await post('word '.repeat(2_000));
    await cut.nextEvent();
    expect(running.get(Model).running).toBe(1);
    cut.close();
    await eventually(() => running.get(Model).running === 0, 'the end of the model');
  });

  it('a ban ends the streams of the user, and refuses the reconnect', async () => {
    await start(NotificationsController, {
      options: { identify },
      providers: [Notifications, Bans, BanGuard],
    });
    const stream = await running.listen('/notifications', as('ann'));
    const other = await running.listen('/notifications', as('bob'));
    await running.get(Bans).ban('ann');
    await within(stream.ended, 'the end of the stream');
    expect(other.isOpen).toBe(true);
    const guard = running.get(BanGuard);
    expect(() => guard.canActivate(contextOf('ann'))).toThrow('Forbidden');
    expect(guard.canActivate(contextOf('bob'))).toBe(true);
  });

  it('of 12 simultaneous streams of a user 5 are admitted, and again after they have ended', async () => {
    await start(LimitedController, { options: limited });
    const { headers } = as('ann');
    for (let round = 0; round < 2; round++) {
      const streams = await Promise.all(
        Array.from({ length: 12 }, () =>
          running.open('/limited', { headers: { ...headers, accept: '*/*' } }),
        ),
      );
      const count = (wanted: number): number => streams.filter(({ status }) => status === wanted).length;
      expect([count(200), count(429)]).toEqual([5, 7]);
      for (const stream of streams) stream.close();
      await eventually(() => running.sse.count() === 0, 'the end of the streams');
    }
  });

  it('a stream ends with its session', async () => {
    await start(ExpiringController);
    const stream = await running.listen('/expiring', {
      headers: { 'x-user': 'ann', 'x-expires-in-ms': '50' },
    });
    expect(await within(stream.ended, 'the end of the session')).toBe('whole');
  });

  it('the metrics count what Prometheus reads', async () => {
    class Described {}
    const imports = [{ module: Described, controllers: [DescribedController] }];
    await start(MetricsController, { imports, options: { metrics } });
    await running.listen('/described');
    const text = await (await running.open('/metrics')).text();
    expect(text).toMatch(/^sse_streams_open\{endpoint="\/described",transport="http\/1.1"\} 1$/m);
  });

  it('the probes are up, and the one of readiness is down while the node drains', async () => {
    await start(HealthController, { imports: [TerminusModule], providers: [SseHealthIndicator] });
    const probe = async (name: string): Promise<[number, unknown]> => {
      const answer = await running.open(`/health/${name}`);
      const body = JSON.parse(await answer.text()) as { details?: object };
      return [answer.status, body.details ?? body];
    };
    const up = { sse: { status: 'up', state: 'ready', streams: 0, broker: 'live' } };
    expect(await probe('live')).toEqual([200, up]);
    expect(await probe('ready')).toEqual([200, up]);
    await running.sse.drain();
    expect(await probe('live')).toEqual([200, { sse: { ...up.sse, state: 'draining' } }]);
    expect(await probe('ready')).toEqual([503, { sse: { ...up.sse, state: 'draining', status: 'down' } }]);
  });

  it('the API description names the type of the stream and its parameter', async () => {
    await start(DescribedController);
    const document = SwaggerModule.createDocument(running.app, new DocumentBuilder().build());
    const operation = document.paths['/described']?.get;
    expect(Object.keys(operation?.responses['200'] ?? {})).toContain('content');
    expect(operation?.responses['200']).toMatchObject({ content: { 'text/event-stream': {} } });
    expect(operation?.parameters).toMatchObject([{ name: 'lastEventId', in: 'query', required: false }]);
  });
});

describe('an access log', () => {
  const url = '/events?ticket=secret-1&page=2&lastEventId=1.2#ticket=x';

  it('has neither tickets nor ids in its URLs', () => {
    expect(withoutSecrets(url)).toBe('/events?ticket=-&page=2&lastEventId=-#ticket=x');
    expect(withoutSecrets('/events?TICKET=secret-1')).toBe('/events?TICKET=-');
    expect(withoutSecrets('/tickets?id=7')).toBe('/tickets?id=7');
    const request = { method: 'GET', url, originalUrl: url, headers: {} };
    expect(serializers.req(request)).toEqual({ method: 'GET', url: withoutSecrets(url) });
    const lines = [true, false].map((headersSent) =>
      accessLine({}, request, { headersSent, statusCode: 200 }),
    );
    expect(lines).toEqual([`GET ${withoutSecrets(url)} 200`, `GET ${withoutSecrets(url)} -`]);
  });
});

/** Returns the folder of a program, by its name in the pages. */
const folderOf = (name: string): string =>
  name.includes('/') || name === 'order-events.ts' ? 'browser' : 'code';

describe('docs/recipes', () => {
  const pages = readdirSync('docs/recipes').map((name) => readFileSync(`docs/recipes/${name}`, 'utf8'));
  const shown = new Map(
    pages.flatMap((page) =>
      Array.from(
        page.matchAll(/^```(?:ts|tsx|vue|svelte) ([\w./-]+)\n([^]*?)^```$/gm),
        ([, name = '', code = '']) => [name, code] as const,
      ),
    ),
  );

  it('shows the code that these tests run', () => {
    for (const [name, code] of shown)
      expect([name, code]).toEqual([name, readFileSync(join('test/recipes', folderOf(name), name), 'utf8')]);
  });

  it('shows each recipe', () => {
    const names = [
      ...readdirSync('test/recipes/code'),
      ...readdirSync('test/recipes/browser', { recursive: true, encoding: 'utf8' }),
    ];
    const programs = names.filter((name) => /\.(ts|tsx|vue|svelte)$/.test(name));
    expect([...shown.keys()].toSorted()).toEqual(programs.toSorted());
  });
});
