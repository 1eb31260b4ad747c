import { RepeatedLines } from '../logs/repeated-lines.js';
import { ignoreRejection, isThenable } from '../protocol/thenable.js';

/** Logs one failure of a callback. */
export type LogCallbackFailure = (message: string, error: unknown) => void;

/**
 * Runs the callbacks and notifies the subscribers of an application, so that their failures end nothing else: not the
 * process, not the stream, not the call that led to them. Each failure is counted and logged, a repeated one once in ten
 * seconds with the number of the others.
 */
export class CallbackFailures {
  readonly #log: LogCallbackFailure;
  /** Called with the name of the callback. Returns what the counters returned. */
  readonly #count: (callback: string) => readonly unknown[];
  readonly #lines = new RepeatedLines();

  constructor(log: LogCallbackFailure, count: (callback: string) => readonly unknown[] = () => []) {
    this.#log = log;
    this.#count = count;
  }

  /**
   * Runs a callback whose result does not matter. A promise that it returns may reject.
   *
   * @param context as in `report`
   */
  run(callback: string, work: () => unknown, context?: () => string | undefined): void {
    const report = (error: unknown): void => this.report(callback, error, context?.());
    try {
      const result = work();
      if (isThenable(result)) result.then(undefined, report);
    } catch (error) {
      report(error);
    }
  }

  /**
   * @param callback its name as the documentation has it, such as `connected$`
   * @param context for the log only: what the callback worked on, such as rooms or a client
   */
  report(callback: string, error: unknown, context?: string): void {
    try {
      for (const result of this.#count(callback)) ignoreRejection(result);
    } catch {
      // The counter is a callback of the application too, and may fail for the same reason.
    }
    const subject = context === undefined ? callback : `${callback} (${context})`;
    const kind = `${callback} ${error instanceof Error ? error.message : typeof error}`;
    this.#lines.log(kind, callback, (repeated) =>
      this.#log(`A callback of the application failed: ${subject}.${repeated}`, error),
    );
  }
}
