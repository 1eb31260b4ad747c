import { MemoryBroker, type HistoryPage, type SseBroker } from 'nestjs-simple-sse';

/** Delegates to a memory broker; subclasses override what they disturb. */
export class WrappedMemoryBroker implements SseBroker {
  protected readonly memory = new MemoryBroker();

  get epoch(): string {
    return this.memory.epoch;
  }

  get position(): number {
    return this.memory.position;
  }

  start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    return this.memory.start(policy, listener);
  }

  publish(...args: Parameters<SseBroker['publish']>): ReturnType<SseBroker['publish']> {
    return this.memory.publish(...args);
  }

  subscribe(room: string): Promise<void> | void {
    this.memory.subscribe(room);
  }

  unsubscribe(room: string): Promise<void> {
    return this.memory.unsubscribe(room);
  }

  read(...args: Parameters<SseBroker['read']>): Promise<HistoryPage> {
    return this.memory.read(...args);
  }

  close(): Promise<void> {
    return this.memory.close();
  }
}
