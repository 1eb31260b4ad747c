import { ignoreRejection, isThenable } from '../protocol/thenable.js';

/** Least time between two log lines of the same failure, in milliseconds. */
const LOG_INTERVAL_MS = 10_000;

/** Failures that are distinguished within this time. Further ones are distinguished by their callback only. */
const MAX_FAILURES = 100;

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
  readonly #logged = new Map<string, { atMs: number; skipped: number }>();

  constructor(log: LogCallbackFailure, count: (callback: string) => readonly unknown[] = () => []) {
    this.#log = log;
    this.#count = count;
  }

  /** Runs a callback whose result does not matter. A promise that it returns may reject. */
  run(callback: string, work: () => unknown): void {
    try {
      this.#observe(callback, work());
    } catch (error) {
      this.report(callback, error);
    }
  }

  /**
   * @param callback its name as the documentation has it, such as `connected$`
   * @param context for the log only: what the callback worked on, such as rooms
   */
  report(callback: string, error: unknown, context?: string): void {
    try {
      for (const result of this.#count(callback)) ignoreRejection(result);
    } catch {
      // The counter is a callback of the application too, and may fail for the same reason.
    }
    const nowMs = performance.now();
    const key = this.#keyOf(callback, error, nowMs);
    const logged = this.#logged.get(key);
    if (logged !== undefined && nowMs - logged.atMs < LOG_INTERVAL_MS) return void logged.skipped++;
    const others = logged?.skipped ?? 0;
    this.#logged.set(key, { atMs: nowMs, skipped: 0 });
    const subject = context === undefined ? callback : `${callback} (${context})`;
    const more = others === 0 ? '' : ` It failed ${others} more times since the last line about it.`;
    try {
      this.#log(`A callback of the application failed: ${subject}.${more}`, error);
    } catch {
      // A logger that fails must not end what the callback did not end.
    }
  }

  /** Equal for failures that share a log line. */
  #keyOf(callback: string, error: unknown, nowMs: number): string {
    const key = `${callback} ${error instanceof Error ? error.message : typeof error}`;
    if (this.#logged.has(key) || this.#logged.size < MAX_FAILURES) return key;
    for (const [each, { atMs }] of this.#logged)
      if (nowMs - atMs >= LOG_INTERVAL_MS) this.#logged.delete(each);
    return this.#logged.size < MAX_FAILURES ? key : callback;
  }

  #observe(callback: string, result: unknown): void {
    if (isThenable(result)) result.then(undefined, (error: unknown) => this.report(callback, error));
  }
}
