import type { PublishReceipt } from './broker.interface.js';

/** How long a retried publish is recognised. */
export const IDEMPOTENCY_WINDOW_MS = 120_000;

/** Which event each idempotency key of the last two minutes stands for. */
export class IdempotencyKeys {
  // In the order of arrival, so the oldest is first.
  readonly #receipts = new Map<string, { receipt: PublishReceipt; expiresMs: number }>();
  #sweeper: NodeJS.Timeout | undefined;

  get(key: string): PublishReceipt | undefined {
    this.#forgetOld();
    return this.#receipts.get(key)?.receipt;
  }

  set(key: string, receipt: PublishReceipt): void {
    this.#receipts.set(key, { receipt, expiresMs: performance.now() + IDEMPOTENCY_WINDOW_MS });
    // Also where no key follows that would ask.
    this.#sweeper ??= setInterval(() => this.#forgetOld(), IDEMPOTENCY_WINDOW_MS).unref();
  }

  get size(): number {
    return this.#receipts.size;
  }

  clear(): void {
    this.#receipts.clear();
    this.#forgetOld();
  }

  #forgetOld(): void {
    const nowMs = performance.now();
    for (const [key, { expiresMs }] of this.#receipts) {
      if (expiresMs > nowMs) return;
      this.#receipts.delete(key);
    }
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
