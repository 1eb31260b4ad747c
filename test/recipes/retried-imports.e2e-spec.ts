import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { getQueueToken } from '@nestjs/bullmq';
import { Module, type Type } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { compileApp } from '../support/compiled-app.js';
import type { EventStream } from '../support/event-stream.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, PATIENCE_MS, within } from '../support/within.js';
import { RetriedWebModule } from './code/retried-imports.js';

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
  let script: ReturnType<typeof compileApp>;
  let server: RedisServer;
  let one: RunningApp;
  let two: RunningApp;
  let worker: ChildProcess | undefined;

  beforeAll(async () => {
    script = compileApp(WORKER, ['test/recipes/code/retried-imports.ts']);
    server = await RedisServer.start();
    const web = (): Type => {
      @Module({ imports: [RetriedWebModule.forRoot(server.url)] })
      class WebNode {}
      return WebNode;
    };
    [one, two] = [await express.start(web()), await fastify.start(web())];
  });
  beforeEach(() => (worker ??= spawn(process.execPath, [script.main, server.url], { stdio: 'inherit' })));
  afterAll(async () => {
    await killWorker();
    await Promise.all([one.close(), two.close()]);
    await server.dispose();
    script.remove();
  });

  async function killWorker(): Promise<void> {
    if (worker === undefined) return;
    const exited = once(worker, 'exit');
    worker.kill('SIGKILL');
    worker = undefined;
    await within(exited, 'the end of the worker', PATIENCE_MS);
  }

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
    await killWorker();
    worker = spawn(process.execPath, [script.main, server.url], { stdio: 'inherit' });
    expect(await endOf(first, 1)).toMatchObject({ state: 'failed', reason: 'lease' });
    const second = await follow(two, job, 2);
    expect(await endOf(second, 2)).toMatchObject({ state: 'done', events: 1_500 });
    await hasState(job, 'completed');
  });
});
