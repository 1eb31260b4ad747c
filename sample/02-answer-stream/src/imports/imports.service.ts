import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import type { RunEvents } from '../app.events.js';
import { NodeIdentity } from '../nodes/node-identity.js';

const ROWS = 1_000;
const ROW_MS = 25;

type ImportName = 'begin' | 'progress' | 'result';
type ImportEvent = { [Name in ImportName]: { event: Name; data: RunEvents[Name] } }[ImportName];

/** Imports rows that exist only as numbers. Every 25th is skipped. */
@Injectable()
export class ImportsService {
  constructor(
    private readonly sse: SseService,
    private readonly node: NodeIdentity,
  ) {}

  /** Settles when the import has started. It goes on without the request. */
  async start(id: string): Promise<void> {
    await this.sse.runs.start(`imports/${id}`, (signal: AbortSignal) => this.rows(signal), {
      restart: false,
      maxDurationMs: 120_000,
    });
  }

  private async *rows(signal: AbortSignal): AsyncGenerator<ImportEvent> {
    yield { event: 'begin', data: { node: this.node.name } };
    for (let done = 1; done <= ROWS; done++) {
      await pause(ROW_MS, undefined, { signal });
      yield { event: 'progress', data: { done, total: ROWS } };
    }
    yield { event: 'result', data: { imported: ROWS - ROWS / 25, skipped: ROWS / 25 } };
  }
}
