import { NoopMetrics } from '../../src/metrics/noop-metrics.js';
import { express, platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { adminApp, listener, next, OPERATOR } from './admin-app.js';
import type { RunningApp } from '../support/running-app.js';

interface Summary {
  node: string;
  activity: {
    deliveries: number;
    volatileDropped: number;
    gaps: Record<string, number>;
    resumes: Record<string, number>;
  };
  slowClients: {
    count: number;
    queuedBytes: number;
    top: { id: string; user?: string; queuedBytes: number }[];
  };
}

const headers = OPERATOR;

describe.each(platforms)('the counters of the operator’s page on $name', (platform) => {
  let app: RunningApp;

  beforeEach(async () => {
    app = await platform.start(adminApp());
  });
  afterEach(() => app.close());

  it('count an event once for each client that received it, and none of the page’s own messages', async () => {
    for (const room of ['news', 'news', 'orders']) await listener(app, `?room=${room}`);
    const page = await app.listen('/sse-admin/events', { headers });
    await next<Summary>(page, 'summary');
    await app.sse.broadcast('news', 'headline', 1);
    await app.sse.broadcast('orders', 'paid', 1);
    await app.sse.broadcast('nobody', 'headline', 1);
    const { activity } = await next<Summary>(page, 'summary', (summary) => summary.activity.deliveries > 0);
    expect(activity.deliveries).toBe(3);
  });

  it('count resumes by outcome and gaps by reason', async () => {
    const { stream } = await listener(app, '?room=news');
    await app.sse.broadcast('news', 'headline', 1);
    const { id = '' } = await stream.nextEvent();
    for (const lastEventId of [id, id, 'x'])
      await (
        await app.listen('/events?room=news', { headers: { 'last-event-id': lastEventId } })
      ).nextEvent();
    const page = await app.listen('/sse-admin/events', { headers });
    const isCounted = ({ activity }: Summary): boolean => Object.keys(activity.resumes).length === 2;
    const { activity } = await next<Summary>(page, 'summary', isCounted);
    expect(activity).toMatchObject({ resumes: { full: 2, none: 1 }, gaps: { invalid: 1 } });
  });

  it('count the bytes that wait for slow clients, and the volatile events that were dropped for them', async () => {
    const { id, stream } = await listener(app, '?room=news&user=ada');
    stream.pause();
    const [client] = app.sse.clients('news');
    const isSlow = (): boolean => client?.connection.queue.isStalled === true;
    await eventually(async () => {
      await app.sse.broadcast('news', 'frame', 'x'.repeat(100_000), { volatile: true });
      return isSlow();
    }, 'the socket of the client is full');
    for (let n = 0; n < 5; n++)
      await app.sse.broadcast('news', 'frame', 'x'.repeat(100_000), { volatile: true });
    const page = await app.listen('/sse-admin/events', { headers });
    const { activity, slowClients } = await next<Summary>(
      page,
      'summary',
      (summary) => summary.slowClients.count > 0,
    );
    expect(activity.volatileDropped).toBeGreaterThanOrEqual(4);
    expect(slowClients).toMatchObject({ count: 1, top: [{ id, user: 'ada' }] });
    expect(slowClients.queuedBytes).toBeGreaterThan(0);
    expect(slowClients.queuedBytes).toBe(slowClients.top[0]?.queuedBytes);
  });
});

it('an application without the page sums nothing: no metrics are called', async () => {
  const app = await express.start(sseApp({}));
  expect(app.sse.internals.options.metrics).toBeInstanceOf(NoopMetrics);
  await app.close();
});

it('the counters are those of one application, also where two of a process share the module', async () => {
  const shared = adminApp();
  const apps = [await express.start(shared), await express.start(shared)] as const;
  await listener(apps[0], '?room=news');
  await apps[0].sse.broadcast('news', 'headline', 1);
  const deliveries = apps.map(({ sse }) => sse.internals.options.metrics.totals?.sums.deliveries);
  expect(deliveries).toEqual([1, 0]);
  for (const app of apps) await app.close();
});
