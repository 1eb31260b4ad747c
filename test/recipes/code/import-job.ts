import { randomUUID } from 'node:crypto';
import { Controller, Get, Injectable, Post } from '@nestjs/common';
import { SseRoom, SseService } from 'nestjs-simple-sse';

@Injectable()
export class Imports {
  constructor(private readonly sse: SseService) {}

  /** Runs on after the request. Events are not awaited, so that an import does not fail when Redis does: it is logged. */
  start(rows: AsyncIterable<string>): string {
    const id = randomUUID();
    void this.run(`imports/${id}`, rows);
    return id;
  }

  private async run(room: string, rows: AsyncIterable<string>): Promise<void> {
    let done = 0;
    try {
      for await (const row of rows) void this.sse.broadcast(room, 'progress', { done: ++done, row });
      void this.sse.broadcast(room, 'finished', { done });
    } catch {
      void this.sse.broadcast(room, 'failed', { done });
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

  /** A page that opens it later begins with the newest progress, and with the end if there is one. */
  @Get(':id/events')
  @SseRoom('imports/:id', { replay: { perEventName: 1 } })
  events(): void {}
}

async function* rowsOfTheUpload(): AsyncGenerator<string> {
  for (const row of ['a', 'b', 'c']) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    yield row;
  }
}
