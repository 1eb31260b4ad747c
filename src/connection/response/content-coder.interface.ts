import type { SseFrame } from '../../protocol/sse-frame.js';
import type { Batch } from '../queue/batch.js';

/** Bytes for a response in both forms: with HTTP/1.1 chunk framing and without. */
export interface EncodedBytes {
  readonly chunked: Buffer;
  readonly bytes: Buffer;
}

/** Encodes the content of one response. */
export interface ContentCoder {
  /** Name of the coding, for the header `Content-Encoding` (RFC 9110, 8.4). */
  readonly coding: string;

  /** Encodes what is written next. Called once for each part, in the order of writing. */
  encode(source: Batch | SseFrame): EncodedBytes;

  /** Returns what is written after everything else. */
  end(): EncodedBytes;
}
