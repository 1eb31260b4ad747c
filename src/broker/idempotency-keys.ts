import type { PublishReceipt } from './broker.interface.js';

/** How long a retried publish is recognised. */
export const IDEMPOTENCY_WINDOW_MS = 120_000;

/** Which event each idempotency key of the last two minutes stands for. */
export class IdempotencyKeys {
  // In the order of arrival, so the oldest is first.
  readonly #receipts = new Map<string, { receipt: PublishReceipt; expiresMs: number }>();

  get(key: string): PublishReceipt | undefined {
    this.#forgetOld();
    return this.#receipts.get(key)?.receipt;
  }

  set(key: string, receipt: PublishReceipt): void {
    this.#receipts.set(key, { receipt, expiresMs: performance.now() + IDEMPOTENCY_WINDOW_MS });
  }

  #forgetOld(): void {
    const nowMs = performance.now();
    for (const [key, { expiresMs }] of this.#receipts) {
      if (expiresMs > nowMs) return;
      this.#receipts.delete(key);
    }
  }
}
