import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { RunSignal, SseRun, SseRunTail, SseService, type RoutedRequest } from 'nestjs-simple-sse';

const name = ({ params }: RoutedRequest): string => String(params['run']);

/** The events of a run, as its request asks for them. */
interface Wanted {
  readonly total: string;
  /** Longest pause between two events, in milliseconds. */
  readonly paceMs: string;
  /** Number of the node, which the events name. */
  readonly node: string;
}

/**
 * Yields numbered texts, each of which names this execution: `<node>-<random>:<number>:<filling>;`. The filling makes some bursts
 * larger than the messages of the broker.
 */
async function* numbered({ total, paceMs, node }: Wanted, signal: AbortSignal) {
  const execution = `${node}-${randomBytes(6).toString('hex')}`;
  for (let n = 1; n <= Number(total) && !signal.aborted; n++) {
    yield { event: 'n', data: `${execution}:${n}:${'x'.repeat(n % 53 === 0 ? 3_000 : n % 11)};` };
    const ms = Number(paceMs) * Math.random() ** 3;
    if (ms >= 1) await pause(ms);
  }
}

/** Runs that are started, followed and stopped on any node. */
@Controller('runs')
export class RunsController {
  constructor(@Inject(SseService) private readonly sse: SseService) {}

  @Post(':run')
  @SseRun(name, { restart: false })
  start(@Query() wanted: Wanted, @RunSignal() signal: AbortSignal) {
    return numbered(wanted, signal);
  }

  @Post(':run/again')
  @SseRun(name)
  startAgain(@Query() wanted: Wanted, @RunSignal() signal: AbortSignal) {
    return numbered(wanted, signal);
  }

  @Get(':run/events')
  @SseRunTail(name, { whenMissing: 'wait' })
  events(): void {}

  @Get(':run/texts')
  @SseRunTail(name, { compact: 'concat' })
  texts(): void {}

  @Get(':run/pure')
  @SseRunTail(name, { control: false })
  pure(): void {}

  @Post(':run/stop')
  @HttpCode(200)
  async stop(@Param('run') run: string): Promise<object> {
    return (await this.sse.runs.stop(run)) ?? {};
  }

  @Get(':run/status')
  async status(@Param('run') run: string): Promise<object> {
    return (await this.sse.runs.status(run)) ?? {};
  }
}
