import { jest } from '@jest/globals';
import { express } from '../support/platforms.js';
import { eventually, within } from '../support/within.js';
import { adminApp, listener, next, OPERATOR } from './admin-app.js';

interface Summary {
  node: string;
  streams: number;
  uptimeMs: number;
}

const headers = OPERATOR;

it('a fault of the page’s own code is logged, ends no stream, and its figures come again', async () => {
  const app = await express.start(adminApp());
  const { stream } = await listener(app, '?room=news');
  const { hub } = app.sse.internals;
  const names = jest.spyOn(hub as { roomNames: () => string[] }, 'roomNames');
  names.mockImplementation(() => {
    throw new Error('a fault of the page');
  });
  const page = await app.listen('/sse-admin/events', { headers });
  await eventually(
    () => app.logger.complaints.some(({ text }) => text.includes('a fault of the page')),
    'a line',
  );
  await app.sse.broadcast('news', 'headline', 1);
  expect(await stream.nextEvent()).toMatchObject({ event: 'headline' });
  names.mockRestore();
  expect(await next<Summary>(page, 'summary')).toMatchObject({ streams: 1 });
  await app.close();
});

it('the clock of a node plays no part: it may be an hour off, and may jump', async () => {
  const app = await express.start(adminApp());
  const page = await app.listen('/sse-admin/events', { headers });
  const first = await next<Summary>(page, 'summary');
  const now = Date.now;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
  const second = await next<Summary>(page, 'summary');
  clock.mockImplementation(() => now() + 3_600_000);
  const third = await next<Summary>(page, 'summary');
  clock.mockRestore();
  expect(second.uptimeMs).toBeGreaterThan(first.uptimeMs);
  expect(third.uptimeMs).toBeGreaterThan(second.uptimeMs);
  expect(third.uptimeMs - first.uptimeMs).toBeLessThan(3_600_000);
  await app.close();
});

it('the page shows nodes of an application that limits its events to a few bytes', async () => {
  const app = await express.start(adminApp(undefined, { limits: { maxEventBytes: 50 } }));
  const page = await app.listen('/sse-admin/events', { headers });
  const { node } = await next<Summary>(page, 'summary');
  expect(node).toMatch(/^[\w-]+$/);
  await app.close();
});

it('a viewer who does not read is ended as any slow client, and the others go on', async () => {
  const app = await express.start(adminApp(undefined, { maxQueuedBytes: 200_000 }));
  const { id, stream } = await listener(app, '?room=news');
  const path = `/sse-admin/events?client=${id}`;
  const [deaf, page] = [await app.listen(path, { headers }), await app.listen(path, { headers })];
  await next(page, 'client');
  deaf.pause();
  // As another node sends it. More bytes than the kernel takes for a socket.
  const report = { node: 'other', about: id, padding: 'x'.repeat(50_000) };
  for (let n = 1; n <= 400; n++) {
    const data = JSON.stringify({ ...report, n });
    app.sse.internals.hub.deliver('*sse:admin-tell', { event: 'client', data, serialized: false });
    expect(await next(page, 'client', (shown: { n?: number }) => shown.n === n)).toBeDefined();
  }
  deaf.resume();
  await within(deaf.ended, 'the stream of the viewer has ended');
  expect([page.isOpen, stream.isOpen]).toEqual([true, true]);
  await app.close();
});
