import { getQueueToken } from '@nestjs/bullmq';
import { NestFactory } from '@nestjs/core';
import type { Queue } from 'bullmq';
import { SseService, type SseRunStatus } from 'nestjs-simple-sse';
import { describeWithRedis } from '../redis/redis-server.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, PATIENCE_MS, within } from '../support/within.js';
import { ImportProcessor, WebModule, WorkerModule } from './code/queued-imports.js';
import { ImportNodes } from './import-nodes.js';

const WORKER = `
import 'reflect-metadata';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WorkerModule } from './queued-imports.js';

const [, , url = ''] = process.argv;
const app = await NestFactory.createApplicationContext(WorkerModule.forRoot(url, { leaseMs: 3_000 }), {
  logger: ['error', 'warn'],
});
app.enableShutdownHooks();
`;

/** More rows than a test waits for. */
const ENDLESS = 1_000_000;

/** Waits for the end, and expects the progress from 1 on, once and in order. */
async function endOf(stream: EventStream): Promise<unknown> {
  expect(await within(stream.ended, 'the end of the stream', PATIENCE_MS)).toBe('whole');
  const own = stream.events.filter(({ event }) => !event.startsWith('sse:'));
  const rows = own.filter(({ event }) => event === 'progress');
  expect(rows.map(({ data }) => (JSON.parse(data) as { done: number }).done)).toEqual(
    rows.map((_row, index) => index + 1),
  );
  const end = stream.events.at(-1);
  expect(end?.event).toBe('sse:end');
  expect(JSON.parse(end?.data ?? '')).toMatchObject({ events: own.length });
  return JSON.parse(end?.data ?? '');
}

describeWithRedis('the recipe for @nestjs/bullmq', () => {
  let nodes: ImportNodes;
  let one: RunningApp;
  let two: RunningApp;

  beforeAll(async () => {
    nodes = await ImportNodes.start(
      (url) => WebModule.forRoot(url),
      WORKER,
      'test/recipes/code/queued-imports.ts',
    );
    ({ one, two } = nodes);
  });
  afterAll(() => nodes.dispose());

  async function add(rows: number): Promise<string> {
    const answer = await one.open(`/imports/${rows}`, { method: 'POST' });
    return (JSON.parse(await answer.text()) as { id: string }).id;
  }

  const stateOf = async (id: string): Promise<unknown> => {
    const queue = one.app.get<Queue>(getQueueToken('imports'), { strict: false });
    const job = await queue.getJob(id);
    return [await job?.getState(), job?.returnvalue ?? job?.failedReason];
  };

  it('pages follow a job from before its start to its result, on any node, and also after it', async () => {
    const id = await add(20);
    const waiting = await one.listen(`/imports/${id}/events`);
    nodes.startWorker();
    const first = await waiting.nextEvent();
    expect([first.event, JSON.parse(first.data)]).toEqual(['progress', { done: 1, total: 20 }]);
    const other = await two.listen(`/imports/${id}/events`);
    for (const stream of [waiting, other]) expect(await endOf(stream)).toMatchObject({ state: 'done' });
    const late = await two.listen(`/imports/${id}/events`);
    expect(await endOf(late)).toMatchObject({ state: 'done', events: 21 });
    expect(late.events.at(-2)).toMatchObject({ event: 'result', data: '{"rows":20}' });
    await eventually(async () => (await stateOf(id))?.toString() === 'completed,[object Object]', 'the job');
    expect((await one.open('/imports/none/events')).status).toBe(404);
  });

  it('a job is stopped by any node', async () => {
    nodes.startWorker();
    const id = await add(ENDLESS);
    const stream = await one.listen(`/imports/${id}/events`);
    await stream.nextEvent();
    const answer = await two.open(`/imports/${id}/stop`, { method: 'POST' });
    expect((JSON.parse(await answer.text()) as SseRunStatus).state).toBe('stopped');
    expect(await endOf(stream)).toMatchObject({ state: 'stopped' });
    await eventually(
      async () => String(await stateOf(id)) === 'failed,The import: stopped, see the log',
      'the job',
    );
  });

  it('a worker that gets SIGTERM takes no further job, and finishes the one in work', async () => {
    nodes.startWorker();
    const [id, next] = [await add(50), await add(1)];
    const stream = await one.listen(`/imports/${id}/events`);
    await stream.nextEvent();
    expect(await nodes.endWorker('SIGTERM')).toEqual([null, 'SIGTERM']);
    expect(await endOf(stream)).toMatchObject({ state: 'done', events: 51 });
    expect(await stateOf(next)).toEqual(['waiting', undefined]);
    nodes.startWorker();
    expect(await endOf(await two.listen(`/imports/${next}/events`))).toMatchObject({ state: 'done' });
  });

  it('the pages of a killed worker are told that the job has failed, and another worker does not repeat it', async () => {
    nodes.startWorker();
    const id = await add(ENDLESS);
    const stream = await one.listen(`/imports/${id}/events`);
    await stream.nextEvents(3);
    await nodes.endWorker('SIGKILL');
    const end = await endOf(stream);
    expect(end).toMatchObject({ state: 'failed', reason: 'lease' });
    expect(await endOf(await two.listen(`/imports/${id}/events`))).toEqual(end);

    const app = await NestFactory.createApplicationContext(WorkerModule.forRoot(nodes.server.url), {
      logger: false,
    });
    try {
      const job = await app.get<Queue>(getQueueToken('imports'), { strict: false }).getJob(id);
      const repeated = app.get(ImportProcessor).process(job as never);
      await expect(repeated).rejects.toThrow('The import: failed, lease');
      expect(await app.get(SseService).runs.status(`imports/${id}`)).toMatchObject({ state: 'failed' });
    } finally {
      await app.close();
    }
  });
});
