import { setTimeout as pause } from 'node:timers/promises';
import { ConflictException, Injectable } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import type { ShopEvents } from '../app.events.js';
import { type Product, ProductsRepository } from '../products/products.repository.js';
import { ShopOptions } from '../shop-options.js';

/** One import at a time: a run has this name over all nodes. */
export const IMPORT_RUN = 'imports/products';

/** Products of one transaction. Between two of them other requests are answered. */
const BATCH = 50;

export interface ImportProgress {
  readonly done: number;
  readonly total: number;
}

/** Imports a catalogue as a run: it goes on when its page is closed, and every page that follows sees all of its progress. */
@Injectable()
export class ImportsService {
  constructor(
    private readonly sse: SseService<ShopEvents>,
    private readonly products: ProductsRepository,
    private readonly options: ShopOptions,
  ) {}

  /** @throws ConflictException while another import goes on */
  async start(products: readonly Product[]): Promise<void> {
    const run = await this.sse.runs.start(IMPORT_RUN, (signal: AbortSignal) =>
      this.batches(products, signal),
    );
    if (!run.isStarted) throw new ConflictException('An import goes on already');
  }

  /** What is stored by then stays stored. */
  async stop(): Promise<void> {
    await this.sse.runs.stop(IMPORT_RUN);
  }

  private async *batches(
    products: readonly Product[],
    signal: AbortSignal,
  ): AsyncGenerator<{ event: 'progress'; data: ImportProgress }> {
    const total = products.length;
    try {
      for (let done = 0; done < total && !signal.aborted;) {
        const batch = products.slice(done, done + BATCH);
        this.products.save(batch);
        done += batch.length;
        yield { event: 'progress', data: { done, total } };
        await pause(this.options.importPauseMs, undefined, { signal }).catch(() => {});
      }
    } finally {
      // Pages load the catalogue again, also after an import that was stopped.
      void this.sse.broadcast('products', 'catalogue', { products: this.products.count() });
    }
  }
}
