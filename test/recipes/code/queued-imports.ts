import { setTimeout as pause } from 'node:timers/promises';
import { BullModule, InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Controller, Get, Module, NotFoundException, Param, Post } from '@nestjs/common';
import type { BeforeApplicationShutdown, DynamicModule } from '@nestjs/common';
import { type Job, type Queue, UnrecoverableError } from 'bullmq';
import { SseModule, SseRunTail, SseService } from 'nestjs-simple-sse';
import type { SseRunsOptions, SseRunStatus } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';

const QUEUE = 'imports';
const runOf = (jobId: string | undefined): string => `imports/${jobId}`;

interface ImportJob {
  rows: number;
}

/** In the worker: a process without HTTP. */
@Processor(QUEUE)
export class ImportProcessor extends WorkerHost implements BeforeApplicationShutdown {
  constructor(private readonly sse: SseService) {
    super();
  }

  /**
   * The job is done when its run is. A worker that takes the job of a dead one finds the run of that one, and does not start
   * it again: its followers have been told that it has failed.
   */
  async process(job: Job<ImportJob>): Promise<{ rows: number }> {
    const run = await this.sse.runs.start(runOf(job.id), (signal: AbortSignal) => rows(job, signal), {
      restart: false,
    });
    const status = await run.ended();
    if (status?.state === 'done') return { rows: job.data.rows };
    throw new UnrecoverableError(
      `The import: ${status?.state ?? 'lost'}, ${status?.reason ?? 'see the log'}`,
    );
  }

  /** Takes no further job, and waits for the one in work. Runs end later, with `SseModule`. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.worker.close();
  }
}

async function* rows({ data: { rows: total } }: Job<ImportJob>, signal: AbortSignal) {
  for (let done = 1; done <= total; done++) {
    await pause(5, undefined, { signal });
    yield { event: 'progress', data: { done, total } };
  }
  yield { event: 'result', data: { rows: total } };
}

/** On each web node. */
@Controller('imports')
export class QueuedImportsController {
  constructor(
    @InjectQueue(QUEUE) private readonly queue: Queue<ImportJob>,
    private readonly sse: SseService,
  ) {}

  @Post(':rows')
  async add(@Param('rows') count: string): Promise<{ id: string | undefined }> {
    const { id } = await this.queue.add('import', { rows: Number(count) });
    return { id };
  }

  /** Waits for a job that no worker has taken yet. 404 for one that was never added. */
  @Get(':id/events')
  @SseRunTail('imports/:id', { whenMissing: 'wait' })
  async events(@Param('id') id: string): Promise<void> {
    if ((await this.queue.getJob(id)) === undefined) throw new NotFoundException();
  }

  /** Stops the import on whatever worker it is. */
  @Post(':id/stop')
  stop(@Param('id') id: string): Promise<SseRunStatus | undefined> {
    return this.sse.runs.stop(runOf(id));
  }
}

/** What all processes share: the queue, and the broker of the runs. */
const shared = (url: string, runs: SseRunsOptions = {}): DynamicModule[] => [
  SseModule.forRoot({ broker: redisBroker({ url }), runs }),
  BullModule.forRoot({ connection: { url } }),
  BullModule.registerQueue({ name: QUEUE }),
];

@Module({})
export class WebModule {
  static forRoot(url: string): DynamicModule {
    return { module: WebModule, imports: shared(url), controllers: [QueuedImportsController] };
  }
}

/** For `NestFactory.createApplicationContext(WorkerModule.forRoot(url))`, with `app.enableShutdownHooks()`. */
@Module({})
export class WorkerModule {
  static forRoot(url: string, runs?: SseRunsOptions): DynamicModule {
    return { module: WorkerModule, imports: shared(url, runs), providers: [ImportProcessor] };
  }
}
