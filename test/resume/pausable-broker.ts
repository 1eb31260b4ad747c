import { SseError, type HistoryPage, type SseBroker } from 'nestjs-simple-sse';
import { within } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';

/** The steps of an attach at which it waits for its broker. */
export type Step = 'before subscribe' | 'after subscribe' | 'before read' | 'after read';

export const STEPS: readonly Step[] = ['before subscribe', 'after subscribe', 'before read', 'after read'];

/** A step at which the next call waits for the test. */
export class PausedStep {
  readonly #reached: Promise<void>;
  #reach!: () => void;
  #release!: (failure?: SseError) => void;
  readonly released: Promise<SseError | undefined>;

  constructor(readonly step: Step) {
    this.#reached = new Promise((resolve) => (this.#reach = resolve));
    this.released = new Promise((resolve) => (this.#release = resolve));
  }

  /** Resolves when a call waits at this step. */
  reached(): Promise<void> {
    return within(this.#reached, `a call ${this.step}`);
  }

  /** Reports that a call waits at this step. */
  reach(): void {
    this.#reach();
  }

  release(): void {
    this.#release();
  }

  fail(): void {
    this.#release(new SseError('broker-unavailable', 'The test let this step fail.'));
  }
}

/** A memory broker whose calls wait at chosen steps, so that a test can place an event within an attach. */
export class PausableBroker extends WrappedMemoryBroker {
  #paused: PausedStep[] = [];

  /** Makes the next call wait at this step. */
  pauseAt(step: Step): PausedStep {
    const paused = new PausedStep(step);
    this.#paused.push(paused);
    return paused;
  }

  override async subscribe(room: string): Promise<void> {
    await this.#pass('before subscribe');
    await super.subscribe(room);
    await this.#pass('after subscribe');
  }

  override async read(...args: Parameters<SseBroker['read']>): Promise<HistoryPage> {
    await this.#pass('before read');
    const page = await super.read(...args);
    await this.#pass('after read');
    return page;
  }

  async #pass(step: Step): Promise<void> {
    const paused = this.#paused.find((candidate) => candidate.step === step);
    if (paused === undefined) return;
    this.#paused = this.#paused.filter((candidate) => candidate !== paused);
    paused.reach();
    const failure = await paused.released;
    if (failure !== undefined) throw failure;
  }
}
