import { MemoryBroker, type SseBroker } from 'nestjs-simple-sse';

/** A memory broker whose clock leads that of the other partitions. */
export class LeadingBroker extends MemoryBroker {
  /** @param clockLeadMs 0 for the clock of the process */
  constructor(public clockLeadMs = 0) {
    super();
  }

  override publish(...args: Parameters<SseBroker['publish']>): ReturnType<SseBroker['publish']> {
    return this.#withLead(() => super.publish(...args));
  }

  override read(...args: Parameters<MemoryBroker['read']>): ReturnType<MemoryBroker['read']> {
    return this.#withLead(() => super.read(...args));
  }

  /** Both calls assign their position before the first `await`. */
  #withLead<T>(call: () => T): T {
    const { now } = Date;
    const nowMs = now() + this.clockLeadMs;
    Date.now = () => nowMs;
    try {
      return call();
    } finally {
      Date.now = now;
    }
  }
}
