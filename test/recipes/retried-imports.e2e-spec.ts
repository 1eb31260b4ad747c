import { getQueueToken } from '@nestjs/bullmq';
import type { Job, Queue } from 'bullmq';
import { describeWithRedis } from '../redis/redis-server.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, PATIENCE_MS, within } from '../support/within.js';
import { RetriedWebModule } from './code/retried-imports.js';
import { ImportNodes } from './import-nodes.js';

const WORKER = `
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { RetriedWorkerModule } from './retried-imports.js';

const [, , url = ''] = process.argv;
await NestFactory.createApplicationContext(RetriedWorkerModule.forRoot(url, { leaseMs: 3_000 }), { logger: false });
`;

/** Waits for the end of an attempt, whose progress has come from 1 on, once and in order. */
async function endOf(stream: EventStream, attempt: number): Promise<unknown> {
  expect(await within(stream.ended, 'the end of the stream', PATIENCE_MS)).toBe('whole');
  const rows = stream.events.filter(({ event }) => event === 'progress');
  expect(rows.map(({ data }) => JSON.parse(data) as unknown)).toEqual(
    rows.map((_row, index) => expect.objectContaining({ attempt, done: index + 1 })),
  );
  const end = stream.events.at(-1);
  expect(end?.event).toBe('sse:end');
  return JSON.parse(end?.data ?? '') as unknown;
}

const follow = (app: RunningApp, { id }: Job, attempt: number): Promise<EventStream> =>
  app.open(`/imports/${id}/attempts/${attempt}`);
const hasState = (job: Job, state: string): Promise<void> =>
  eventually(async () => (await job.getState()) === state, `the job to be ${state}`, PATIENCE_MS);

describeWithRedis('the recipe for jobs of @nestjs/bullmq with several attempts', () => {
  let nodes: ImportNodes;
  let one: RunningApp;
  let two: RunningApp;

  beforeAll(async () => {
    nodes = await ImportNodes.start(
      (url) => RetriedWebModule.forRoot(url),
      WORKER,
      'test/recipes/code/retried-imports.ts',
    );
    ({ one, two } = nodes);
  });
  beforeEach(() => nodes.startWorker());
  afterAll(() => nodes.dispose());

  const add = (rows: number, faultyAttempts: number): Promise<Job> =>
    one.app
      .get<Queue>(getQueueToken('retried-imports'), { strict: false })
      .add('import', { rows, faultyAttempts });

  it('an attempt that fails half-way ends as failed, and the next one is a whole run, on any node', async () => {
    const job = await add(20, 1);
    const first = await follow(one, job, 1);
    expect(await endOf(first, 1)).toMatchObject({ state: 'failed', events: 10 });
    const second = await follow(two, job, 2);
    expect(await endOf(second, 2)).toMatchObject({ state: 'done', events: 20 });
    await hasState(job, 'completed');
    // Both stay for late pages.
    expect(await endOf(await follow(two, job, 1), 1)).toMatchObject({ state: 'failed', events: 10 });
    expect(await endOf(await follow(one, job, 2), 2)).toMatchObject({ state: 'done', events: 20 });
    expect((await follow(one, job, 3)).status).toBe(404);
  });

  it('a page that asks for an attempt after the last one is answered with 404, also at the moment of the end', async () => {
    const job = await add(4, 2);
    for (const attempt of [1, 2])
      expect(await endOf(await follow(one, job, attempt), attempt)).toMatchObject({ state: 'failed' });
    expect((await follow(two, job, 3)).status).toBe(404);
    await hasState(job, 'failed');
  });

  it('a worker that is killed ends its attempt as failed, and another worker takes the job with the next one', async () => {
    const job = await add(1_500, 0);
    const first = await follow(one, job, 1);
    await first.nextEvents(3);
    await nodes.endWorker('SIGKILL');
    nodes.startWorker();
    expect(await endOf(first, 1)).toMatchObject({ state: 'failed', reason: 'lease' });
    const second = await follow(two, job, 2);
    expect(await endOf(second, 2)).toMatchObject({ state: 'done', events: 1_500 });
    await hasState(job, 'completed');
  });
});
