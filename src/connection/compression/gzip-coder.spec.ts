import { crc32, gunzipSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { SseFrame } from '../../protocol/sse-frame.js';
import { EMPTY_BATCH, type Batch } from '../queue/batch.js';
import { multiply, shiftOf } from './crc.js';
import { GzipCoder } from './gzip-coder.js';
import { MIN_COMPRESSED_BYTES } from './gzip-piece.js';
import { GzipPieces } from './gzip-pieces.js';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', minLength: 200, maxLength: 2_000 }),
  fc.integer({ min: 1, max: 200_000 }).map((length) => 'x'.repeat(length)),
);
const frame = text.map((data) => new SseFrame(data));
const batch = fc
  .array(frame, { minLength: 1, maxLength: 4 })
  .map((frames) => frames.reduce((link: Batch, next) => link.append(next), EMPTY_BATCH));

afterEach(() => EMPTY_BATCH.forgetNext());

it('a CRC is that of the joined bytes, at every length', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array({ maxLength: 1_000 }), (first, second) => {
      const joined = multiply(shiftOf(second.length), crc32(first)) ^ crc32(second);
      expect(joined >>> 0).toBe(crc32(Buffer.concat([first, second])));
    }),
  );
});

it('an operator for a length beyond 32 bits of bits is the product of those of its parts', () => {
  expect(shiftOf(2 ** 31)).toBe(multiply(shiftOf(2 ** 30), shiftOf(2 ** 30)));
  expect(shiftOf(3 * 2 ** 33)).toBe(multiply(shiftOf(2 ** 34), shiftOf(2 ** 33)));
});

it('Node decodes each client the frames that it was sent, in any sequence and from any frame on', () => {
  const pieces = new GzipPieces();
  fc.assert(
    fc.property(fc.array(fc.oneof(frame, batch), { maxLength: 12 }), fc.nat(), (sent, first) => {
      for (const mine of [sent, sent.slice(first % (sent.length + 1)), sent.toReversed()]) {
        const coder = new GzipCoder(pieces);
        const parts = [...mine.map((source) => coder.encode(source)), coder.end()];
        const plain = Buffer.concat(mine.map(({ bytes }) => bytes));
        expect(gunzipSync(Buffer.concat(parts.map(({ bytes }) => bytes))).equals(plain)).toBe(true);
        for (const { chunked, bytes } of parts)
          expect(
            chunked.equals(
              Buffer.from(`${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`, 'latin1'),
            ),
          ).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

it('a decoder has every event as soon as its piece has arrived', () => {
  const coder = new GzipCoder(new GzipPieces());
  let received = Buffer.alloc(0);
  let sent = '';
  for (const data of ['a', 'b'.repeat(MIN_COMPRESSED_BYTES), 'zürich'.repeat(300), 'c']) {
    received = Buffer.concat([received, coder.encode(new SseFrame(data)).bytes]);
    sent += data;
    expect(gunzipSync(received, { finishFlush: constants.Z_SYNC_FLUSH }).toString()).toBe(sent);
  }
});

it('an event is compressed once for all clients', () => {
  const pieces = new GzipPieces();
  const event = new SseFrame('x'.repeat(1_000));
  const link = EMPTY_BATCH.append(event);
  const [one, two] = [new GzipCoder(pieces), new GzipCoder(pieces)];
  for (const coder of [one, two]) coder.encode(new SseFrame('first'));
  expect(two.encode(link)).toBe(one.encode(link));
  expect(two.encode(event)).toBe(one.encode(link));
});

it('an event below the bound is stored, with 5 bytes of overhead', () => {
  const coder = new GzipCoder(new GzipPieces());
  coder.encode(new SseFrame('first'));
  expect(coder.encode(new SseFrame('y'.repeat(MIN_COMPRESSED_BYTES - 1))).bytes).toHaveLength(
    MIN_COMPRESSED_BYTES + 4,
  );
  expect(coder.encode(new SseFrame('y'.repeat(MIN_COMPRESSED_BYTES))).bytes.length).toBeLessThan(30);
});

it('the cache drops the oldest pieces beyond its bound, and the pieces stay correct', () => {
  const pieces = new GzipPieces();
  const frames = Array.from({ length: 12 }, (_, n) => new SseFrame(`${n}`.repeat(1_000_000)));
  const [first] = frames as [SseFrame];
  const piece = pieces.of(first);
  expect(pieces.of(first)).toBe(piece);
  for (const later of frames) pieces.of(later);
  expect(pieces.cachedBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
  const again = pieces.of(first);
  expect(again).not.toBe(piece);
  expect(again).toEqual(piece);
});
