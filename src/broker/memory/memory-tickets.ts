import type { TicketStore } from '../ticket-store.interface.js';

/** Stored texts; a further one removes the oldest. About 100 MB with long texts. */
const MAX_TEXTS = 100_000;
/** Least time between two removals of all expired texts, in milliseconds. */
const SWEEP_INTERVAL_MS = 30_000;

interface StoredText {
  readonly text: string;
  readonly expiresMs: number;
}

/** Stores tickets for a single node. */
export class MemoryTickets implements TicketStore {
  readonly #texts = new Map<string, StoredText>();
  readonly #assertRunning: () => void;
  #sweptMs = performance.now();

  /** @param assertRunning throws if the broker is not running */
  constructor(assertRunning: () => void) {
    this.#assertRunning = assertRunning;
  }

  async put(key: string, text: string, ttlMs: number): Promise<void> {
    this.#assertRunning();
    const nowMs = performance.now();
    this.#sweep(nowMs);
    this.#texts.delete(key);
    this.#texts.set(key, { text, expiresMs: nowMs + ttlMs });
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > MAX_TEXTS && oldest !== undefined) this.#texts.delete(oldest);
  }

  async take(key: string): Promise<string | undefined> {
    const text = this.#find(key);
    this.#texts.delete(key);
    return text;
  }

  async read(key: string): Promise<string | undefined> {
    return this.#find(key);
  }

  close(): void {
    this.#texts.clear();
  }

  #find(key: string): string | undefined {
    this.#assertRunning();
    const stored = this.#texts.get(key);
    return stored !== undefined && stored.expiresMs > performance.now() ? stored.text : undefined;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_INTERVAL_MS) return;
    this.#sweptMs = nowMs;
    for (const [key, { expiresMs }] of this.#texts) if (expiresMs <= nowMs) this.#texts.delete(key);
  }
}
