import { Injectable } from '@nestjs/common';

/** Stands for the client of a language model. */
@Injectable()
export class Model {
  running = 0;

  async *stream(prompt: string, signal: AbortSignal): AsyncGenerator<string> {
    this.running++;
    try {
      for (const word of prompt.split(' ')) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (signal.aborted) return;
        yield `${word} `;
      }
    } finally {
      this.running--;
    }
  }
}
