import { constants, crc32, deflateRawSync } from 'node:zlib';
import { allocateChunk } from '../../protocol/sse-frame.js';
import { multiply, shiftOf } from './crc.js';

/** Bytes below which an event is stored as it is: compressing it would save less than the time is worth. */
export const MIN_COMPRESSED_BYTES = 300;

/** Most bytes of a stored block (RFC 1951, 3.2.4). */
const MAX_STORED_BYTES = 65_535;

/** ID1, ID2, deflate, no flags, no time, no extra flags, unknown system (RFC 1952, 2.3). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

/** An empty final block: it ends the deflate data (RFC 1951, 3.2.3). */
const FINAL_BLOCK = Buffer.from([3, 0]);

/**
 * A part of a gzip stream that is the same for all clients: deflate blocks without references to earlier bytes, which end
 * at a byte boundary. So pieces can follow one another in any order, and a decoder can emit each piece at once.
 */
export class GzipPiece {
  /** As in `SseFrame`: the piece inside its HTTP/1.1 chunk. */
  readonly chunked: Buffer;
  /** The piece alone: a view into `chunked`. */
  readonly bytes: Buffer;
  /** CRC-32 of the uncompressed bytes. */
  readonly crc: number;
  /** `shiftOf` of the uncompressed bytes. */
  readonly shift: number;
  readonly uncompressedLength: number;

  constructor(parts: readonly Uint8Array[], crc: number, shift: number, uncompressedLength: number) {
    const { chunked, bytes } = allocateChunk(
      parts.reduce((sum, { length }) => sum + length, 0),
      true,
    );
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    this.chunked = chunked;
    this.bytes = bytes;
    this.crc = crc;
    this.shift = shift;
    this.uncompressedLength = uncompressedLength;
  }
}

export function compress(bytes: Buffer): GzipPiece {
  const blocks = bytes.length < MIN_COMPRESSED_BYTES ? storedBlocks(bytes) : [deflate(bytes)];
  return new GzipPiece(blocks, crc32(bytes), shiftOf(bytes.length), bytes.length);
}

export function joinPieces(pieces: readonly GzipPiece[]): GzipPiece {
  let [crc, shift, length] = [0, shiftOf(0), 0];
  for (const piece of pieces) {
    crc = multiply(piece.shift, crc) ^ piece.crc;
    shift = multiply(piece.shift, shift);
    length += piece.uncompressedLength;
  }
  return new GzipPiece(
    pieces.map(({ bytes }) => bytes),
    crc,
    shift,
    length,
  );
}

/** The piece before all others. It has no content, so it changes no CRC. */
export const HEADER_PIECE = new GzipPiece([HEADER], 0, shiftOf(0), 0);

/** The last piece of a stream: CRC and length of all that came before (RFC 1952, 2.3.1). */
export function trailerPiece(crc: number, uncompressedLength: number): GzipPiece {
  const trailer = Buffer.alloc(8);
  trailer.writeInt32LE(crc | 0, 0);
  trailer.writeUInt32LE(uncompressedLength % 2 ** 32, 4);
  return new GzipPiece([FINAL_BLOCK, trailer], 0, shiftOf(0), 0);
}

function deflate(bytes: Buffer): Buffer {
  return deflateRawSync(bytes, {
    // Ends with an empty stored block instead of the final one.
    finishFlush: constants.Z_SYNC_FLUSH,
    // A larger window would be allocated and cleared for nothing.
    windowBits: Math.min(15, Math.max(9, Math.ceil(Math.log2(bytes.length)))),
  });
}

function storedBlocks(bytes: Buffer): Uint8Array[] {
  if (bytes.length > MAX_STORED_BYTES) throw new RangeError('a stored block is smaller');
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(bytes.length ^ 0xffff, 3);
  return [head, bytes];
}
