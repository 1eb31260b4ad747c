import { SseError, type HistoryPage, type SseBroker } from 'nestjs-simple-sse';
import { pause } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';

/** A memory broker with random delays, as behind a network, and reads that fail at random. */
export class FlakyBroker extends WrappedMemoryBroker {
  /** @param failureRate the probability that a read fails */
  constructor(
    private readonly random: () => number,
    private readonly failureRate = 0,
  ) {
    super();
  }

  override async subscribe(room: string): Promise<void> {
    await this.delay();
    await super.subscribe(room);
    await this.delay();
  }

  override async read(...args: Parameters<SseBroker['read']>): Promise<HistoryPage> {
    await this.delay();
    if (this.random() < this.failureRate) throw new SseError('broker-unavailable', 'This read fails.');
    const page = await super.read(...args);
    await this.delay();
    return page;
  }

  private async delay(): Promise<void> {
    if (this.random() < 0.3) await pause(5 * this.random());
    else if (this.random() < 0.7) await new Promise((resolve) => setImmediate(resolve));
  }
}
