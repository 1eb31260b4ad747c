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
import { within } from '../support/within.js';

/** The places of an attach at which it waits for its broker. */
export type Step = 'before subscribe' | 'after subscribe' | 'before read' | 'after read';

export const STEPS: readonly Step[] = ['before subscribe', 'after subscribe', 'before read', 'after read'];

/** A call that waits for the test. */
export class HeldStep {
  readonly #reached: Promise<void>;
  #arrive!: () => void;
  #release!: (failure?: SseError) => void;
  readonly released: Promise<SseError | undefined>;

  constructor(readonly step: Step) {
    this.#reached = new Promise((resolve) => (this.#arrive = resolve));
    this.released = new Promise((resolve) => (this.#release = resolve));
  }

  /** Resolves when a call waits here. */
  reached(): Promise<void> {
    return within(this.#reached, `a call ${this.step}`);
  }

  arrive(): void {
    this.#arrive();
  }

  goOn(): void {
    this.#release();
  }

  fail(): void {
    this.#release(new SseError('broker-unavailable', 'The test let this step fail.'));
  }
}

/** A memory broker whose calls wait where a test says so: races are placed, not awaited. */
export class SteppingBroker implements SseBroker {
  readonly #memory = new MemoryBroker();
  #held: HeldStep[] = [];
  /** How often history was read. */
  reads = 0;

  /** The next call that comes to this step waits there. */
  hold(step: Step): HeldStep {
    const held = new HeldStep(step);
    this.#held.push(held);
    return held;
  }

  get epoch(): string {
    return this.#memory.epoch;
  }

  get position(): number {
    return this.#memory.position;
  }

  start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
    return this.#memory.start(policy, listener);
  }

  publish(rooms: readonly string[], event: RoomEvent, options: PublishOptions): Promise<PublishReceipt> {
    return this.#memory.publish(rooms, event, options);
  }

  async subscribe(room: string): Promise<void> {
    await this.#pass('before subscribe');
    this.#memory.subscribe(room);
    await this.#pass('after subscribe');
  }

  unsubscribe(room: string): Promise<void> {
    return this.#memory.unsubscribe(room);
  }

  async read(rooms: readonly string[], after: number | undefined, newest?: number): Promise<HistoryPage> {
    this.reads++;
    await this.#pass('before read');
    const page = await this.#memory.read(rooms, after, newest);
    await this.#pass('after read');
    return page;
  }

  close(): Promise<void> {
    return this.#memory.close();
  }

  async #pass(step: Step): Promise<void> {
    const held = this.#held.find((candidate) => candidate.step === step);
    if (held === undefined) return;
    this.#held = this.#held.filter((candidate) => candidate !== held);
    held.arrive();
    const failure = await held.released;
    if (failure !== undefined) throw failure;
  }
}
