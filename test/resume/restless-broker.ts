import { MemoryBroker, SseError } from 'nestjs-simple-sse';
import type {
  BrokerListener,
  HistoryPage,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  RoomEvent,
  SseBroker,
} from 'nestjs-simple-sse';
import { pause } from '../support/within.js';

/** A memory broker that takes its time as one behind a network does, and now and then fails to read. */
export class RestlessBroker implements SseBroker {
  private readonly memory = new MemoryBroker();

  constructor(
    private readonly random: () => number,
    private readonly failures = 0,
  ) {}

  get epoch(): string {
    return this.memory.epoch;
  }

  get position(): number {
    return this.memory.position;
  }

  start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
    return this.memory.start(policy, listener);
  }

  publish(rooms: readonly string[], event: RoomEvent, options: PublishOptions): Promise<PublishReceipt> {
    return this.memory.publish(rooms, event, options);
  }

  async subscribe(room: string): Promise<void> {
    await this.aWhile();
    this.memory.subscribe(room);
    await this.aWhile();
  }

  unsubscribe(room: string): Promise<void> {
    return this.memory.unsubscribe(room);
  }

  async read(rooms: readonly string[], after: number | undefined, newest?: number): Promise<HistoryPage> {
    await this.aWhile();
    if (this.random() < this.failures) throw new SseError('broker-unavailable', 'The broker is restless.');
    const page = await this.memory.read(rooms, after, newest);
    await this.aWhile();
    return page;
  }

  close(): Promise<void> {
    return this.memory.close();
  }

  private async aWhile(): Promise<void> {
    if (this.random() < 0.3) await pause(5 * this.random());
    else if (this.random() < 0.7) await new Promise((resolve) => setImmediate(resolve));
  }
}
