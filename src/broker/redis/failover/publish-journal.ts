import type { PublishOptions } from '../../broker.interface.js';
import type { Position } from '../../../protocol/position.js';
import type { RoomEvent } from '../../../protocol/room-message.js';

/** Estimated bytes of an entry besides its data. */
const ENTRY_OVERHEAD_BYTES = 512;

/** An event with an idempotency key that Redis has accepted. */
export interface JournalEntry {
  readonly rooms: readonly string[];
  readonly event: RoomEvent;
  readonly options: PublishOptions & { readonly idempotencyKey: string };
  /** The epoch that has the event: changed when the event was stored again. */
  epoch: string;
  readonly position: Position;
}

interface StoredEntry {
  readonly entry: JournalEntry;
  readonly bytes: number;
  /** By the monotonic clock of this process. */
  readonly expiresMs: number;
}

/**
 * The events with an idempotency key that this node has published, for a limited time and up to a number of bytes. The
 * oldest are dropped first.
 */
export class PublishJournal {
  readonly #keepMs: number;
  readonly #maxBytes: number;
  /** The oldest event comes first. */
  readonly #entries = new Set<StoredEntry>();
  #bytes = 0;
  #sweeper: NodeJS.Timeout | undefined;

  /** @param keepMs `false` for a journal that remembers nothing */
  constructor(keepMs: number | false, maxBytes: number) {
    this.#keepMs = keepMs === false ? 0 : keepMs;
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  add(entry: JournalEntry): void {
    if (this.#keepMs === 0) return;
    const bytes = entry.event.data.length + ENTRY_OVERHEAD_BYTES;
    this.#entries.add({ entry, bytes, expiresMs: performance.now() + this.#keepMs });
    this.#bytes += bytes;
    this.#prune();
    // Drops old events also where no later publish does.
    this.#sweeper ??= setInterval(() => this.#prune(), this.#keepMs).unref();
  }

  /** Returns the events that were accepted in another epoch, by ascending position. */
  ofOtherEpochs(epoch: string): JournalEntry[] {
    this.#prune();
    const entries = Array.from(this.#entries, ({ entry }) => entry);
    return entries.filter((entry) => entry.epoch !== epoch).toSorted((a, b) => a.position - b.position);
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    this.#entries.clear();
    this.#bytes = 0;
  }

  #prune(): void {
    const nowMs = performance.now();
    for (const stored of this.#entries) {
      if (stored.expiresMs > nowMs && this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(stored);
      this.#bytes -= stored.bytes;
    }
    this.close();
  }
}
