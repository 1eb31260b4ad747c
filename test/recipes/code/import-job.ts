import { randomUUID } from 'node:crypto';
import { Controller, Get, Injectable, Post } from '@nestjs/common';
import { SseRoom, SseService } from 'nestjs-simple-sse';

@Injectable()
export class Imports {
  constructor(private readonly sse: SseService) {}

  /** Runs on after the request. A page that comes later asks with `replay`, or resumes. */
  start(rows: AsyncIterable<string>): string {
    const id = randomUUID();
    void this.run(`imports/${id}`, rows);
    return id;
  }

  private async run(room: string, rows: AsyncIterable<string>): Promise<void> {
    let done = 0;
    try {
      for await (const row of rows) await this.sse.broadcast(room, 'progress', { done: ++done, row });
      await this.sse.broadcast(room, 'finished', { done });
    } catch {
      await this.sse.broadcast(room, 'failed', { done });
    }
  }
}

@Controller('imports')
export class ImportsController {
  constructor(private readonly imports: Imports) {}

  @Post()
  start(): { id: string } {
    return { id: this.imports.start(rowsOfTheUpload()) };
  }

  @Get(':id/events')
  @SseRoom('imports/:id')
  events(): void {}
}

async function* rowsOfTheUpload(): AsyncGenerator<string> {
  for (const row of ['a', 'b', 'c']) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    yield row;
  }
}
