import type { SseFrame } from '../../protocol/sse-frame.js';
import type { Batch } from '../queue/batch.js';
import type { ContentCoder, EncodedBytes } from '../response/content-coder.interface.js';
import { multiply } from './crc.js';
import { HEADER_PIECE, joinPieces, trailerPiece } from './gzip-piece.js';
import type { GzipPieces } from './gzip-pieces.js';

/**
 * One client's gzip stream. The compressed bytes are shared with other clients; its own state is the CRC-32 and the length of
 * what it was sent, which end a gzip stream (RFC 1952, 2.3.1).
 */
export class GzipCoder implements ContentCoder {
  readonly #pieces: GzipPieces;
  #hasBegun = false;
  #crc = 0;
  #length = 0;

  constructor(pieces: GzipPieces) {
    this.#pieces = pieces;
  }

  get coding(): string {
    return 'gzip';
  }

  encode(source: Batch | SseFrame): EncodedBytes {
    const piece = this.#pieces.of(source);
    this.#crc = multiply(piece.shift, this.#crc) ^ piece.crc;
    this.#length += piece.uncompressedLength;
    if (this.#hasBegun) return piece;
    this.#hasBegun = true;
    return joinPieces([HEADER_PIECE, piece]);
  }

  end(): EncodedBytes {
    const trailer = trailerPiece(this.#crc, this.#length);
    return this.#hasBegun ? trailer : joinPieces([HEADER_PIECE, trailer]);
  }
}
