import type { SseFrame } from '../../protocol/sse-frame.js';
import type { Batch } from '../queue/batch.js';
import { compress, joinPieces, type GzipPiece } from './gzip-piece.js';

/** Bytes of pieces and of what they were made from, beyond which the oldest are dropped. */
const MAX_CACHED_BYTES = 4 * 1024 * 1024;

/**
 * Compresses what clients are sent, once for all of them, as long as the result is cached.
 *
 * The cache holds frames that history has dropped, so it is bounded. A client that reads so late that its event is no longer
 * cached costs one more compression.
 */
export class GzipPieces {
  readonly #cache = new Map<SseFrame | Batch, GzipPiece>();
  #cachedBytes = 0;

  get cachedBytes(): number {
    return this.#cachedBytes;
  }

  /** The piece of a frame, or of all frames of a batch. */
  of(source: SseFrame | Batch): GzipPiece {
    const known = this.#cache.get(source);
    if (known !== undefined) return known;
    const piece = 'frames' in source ? this.#join(source.frames()) : compress(source.bytes);
    this.#store(source, piece);
    return piece;
  }

  #join(frames: readonly SseFrame[]): GzipPiece {
    const pieces = frames.map((frame) => this.of(frame));
    const [only] = pieces;
    return only !== undefined && pieces.length === 1 ? only : joinPieces(pieces);
  }

  #store(source: SseFrame | Batch, piece: GzipPiece): void {
    this.#cache.set(source, piece);
    this.#cachedBytes += costOf(piece);
    // Even a single piece may be larger than the bound; then nothing stays.
    for (const [oldest, dropped] of this.#cache) {
      if (this.#cachedBytes <= MAX_CACHED_BYTES) return;
      this.#cache.delete(oldest);
      this.#cachedBytes -= costOf(dropped);
    }
  }
}

function costOf({ chunked, uncompressedLength }: GzipPiece): number {
  return chunked.length + uncompressedLength;
}
