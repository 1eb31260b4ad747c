import type { PublishReceipt } from './broker.interface.js';

/** Time for which a retried publish is recognised, in milliseconds. */
export const IDEMPOTENCY_WINDOW_MS = 120_000;

/** Maps the idempotency keys of the last two minutes to the receipts of their events. */
export class IdempotencyKeys {
  // A Map iterates in insertion order: the oldest key is first.
  readonly #receipts = new Map<string, { receipt: PublishReceipt; expiresMs: number }>();
  #sweeper: NodeJS.Timeout | undefined;

  get(key: string): PublishReceipt | undefined {
    this.#deleteExpired();
    return this.#receipts.get(key)?.receipt;
  }

  set(key: string, receipt: PublishReceipt): void {
    this.#receipts.set(key, { receipt, expiresMs: performance.now() + IDEMPOTENCY_WINDOW_MS });
    // Removes expired keys even if no later call does.
    this.#sweeper ??= setInterval(() => this.#deleteExpired(), IDEMPOTENCY_WINDOW_MS).unref();
  }

  get size(): number {
    return this.#receipts.size;
  }

  clear(): void {
    this.#receipts.clear();
    this.#deleteExpired();
  }

  #deleteExpired(): void {
    const nowMs = performance.now();
    for (const [key, { expiresMs }] of this.#receipts) {
      if (expiresMs > nowMs) return;
      this.#receipts.delete(key);
    }
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
