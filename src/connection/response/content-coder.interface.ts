import type { SseFrame } from '../../protocol/sse-frame.js';
import type { Batch } from '../queue/batch.js';

/** Bytes for a response in both forms: with HTTP/1.1 chunk framing and without. */
export interface EncodedBytes {
  readonly chunked: Buffer;
  readonly bytes: Buffer;
}

/** Changes what is written to one response. */
export interface ContentCoder {
  /** Name of the coding, for the header `Content-Encoding` (RFC 9110, 8.4). `undefined` for none. */
  readonly coding: string | undefined;

  /** Encodes what is written next. Called once for each part, in the order of writing. */
  encode(source: Batch | SseFrame): EncodedBytes;

  /** Returns what is written after everything else; `undefined` for nothing. */
  end(): EncodedBytes | undefined;
}
