import { setTimeout as pause } from 'node:timers/promises';
import { BullModule, InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Controller, Get, Module, NotFoundException, Param, ParseIntPipe } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { type Job, type Queue, UnrecoverableError } from 'bullmq';
import { SseModule, SseRunTail, SseService, type SseRunsOptions } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';

const QUEUE = 'retried-imports';

interface ImportJob {
  rows: number;
  /** Attempts that fail half-way, to try it out. */
  faultyAttempts: number;
}

/** A job of a dead worker is taken by another one when its lock has expired, and the next look for such jobs has found it. */
@Processor(QUEUE, { lockDuration: 5_000, stalledInterval: 1_000 })
export class RetriedImportProcessor extends WorkerHost {
  constructor(private readonly sse: SseService) {
    super();
  }

  /** Each attempt is a run of its own: BullMQ counts one that began, also one whose worker has died. */
  async process(job: Job<ImportJob>): Promise<void> {
    const name = `imports/${job.id}/${job.attemptsStarted}`;
    const run = await this.sse.runs.start(name, (signal: AbortSignal) => rows(job, signal));
    const status = await run.ended();
    if (status?.state === 'done') return;
    // A page has stopped it: no further attempt.
    if (status?.state === 'stopped') throw new UnrecoverableError('The import was stopped.');
    throw new Error(`The import: ${status?.state ?? 'lost'}, ${status?.reason ?? 'see the log'}`);
  }
}

async function* rows({ data, attemptsStarted }: Job<ImportJob>, signal: AbortSignal) {
  for (let done = 1; done <= data.rows; done++) {
    await pause(5, undefined, { signal });
    if (attemptsStarted <= data.faultyAttempts && done > data.rows / 2) throw new Error('A faulty row.');
    yield { event: 'progress', data: { attempt: attemptsStarted, done, total: data.rows } };
  }
}

@Controller('imports')
export class RetriedImportsController {
  constructor(@InjectQueue(QUEUE) private readonly queue: Queue<ImportJob>) {}

  /** One attempt. 404 for one that the job never comes to: then the end of the attempt before was the end of the job. */
  @Get(':id/attempts/:attempt')
  @SseRunTail('imports/:id/:attempt', { whenMissing: 'wait' })
  async attempt(@Param('id') id: string, @Param('attempt', ParseIntPipe) attempt: number): Promise<void> {
    for (;;) {
      const job = await this.queue.getJob(id);
      const state = await job?.getState();
      if (job === undefined) throw new NotFoundException();
      if (attempt <= job.attemptsStarted) return;
      if (state === 'completed' || state === 'failed') throw new NotFoundException();
      // The job waits for this attempt, and so does the stream.
      if (state !== 'active' && attempt === job.attemptsStarted + 1) return;
      // The run of the attempt before has ended, and BullMQ is about to know it.
      await pause(50);
    }
  }
}

const shared = (url: string, runs: SseRunsOptions = {}): DynamicModule[] => [
  SseModule.forRoot({ broker: redisBroker({ url }), runs }),
  BullModule.forRoot({ connection: { url } }),
  BullModule.registerQueue({ name: QUEUE, defaultJobOptions: { attempts: 2 } }),
];

@Module({})
export class RetriedWebModule {
  static forRoot(url: string): DynamicModule {
    return { module: RetriedWebModule, imports: shared(url), controllers: [RetriedImportsController] };
  }
}

@Module({})
export class RetriedWorkerModule {
  static forRoot(url: string, runs?: SseRunsOptions): DynamicModule {
    return { module: RetriedWorkerModule, imports: shared(url, runs), providers: [RetriedImportProcessor] };
  }
}
