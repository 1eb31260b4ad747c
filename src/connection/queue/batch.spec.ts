import * as fc from 'fast-check';
import { unchunked } from '../../../test/protocol/unchunked.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import { EMPTY_BATCH, type Batch } from './batch.js';

const frame = (data: string): SseFrame => new SseFrame(`data: ${data}\n\n`);

function text(batch: Batch): string {
  return batch.bytes.toString();
}

describe('a batch', () => {
  afterEach(() => EMPTY_BATCH.forgetNext());

  it('is one link for all clients that received the same frames', () => {
    const [a, b] = [frame('a'), frame('b')];
    const one = EMPTY_BATCH.append(a).append(b);
    const two = EMPTY_BATCH.append(a).append(b);
    expect(two).toBe(one);
    expect(text(one)).toBe('data: a\n\ndata: b\n\n');
  });

  it('is joined once for all clients, as one HTTP/1.1 chunk', () => {
    const batch = EMPTY_BATCH.append(frame('a')).append(frame('b'));
    expect(batch.chunked).toBe(batch.chunked);
    expect(batch.bytes).toBe(batch.bytes);
    expect(unchunked(batch.chunked)).toEqual([batch.bytes]);
    expect(batch.byteLength).toBe(batch.bytes.length);
  });

  it('of one frame is that frame, without a copy', () => {
    const only = frame('a');
    const batch = EMPTY_BATCH.append(only);
    expect([batch.chunked, batch.bytes]).toEqual([only.chunked, only.bytes]);
    expect(batch.chunked).toBe(only.chunked);
  });

  it('branches for clients that receive different frames', () => {
    const [a, b, c] = [frame('a'), frame('b'), frame('c')];
    const first = EMPTY_BATCH.append(a);
    const left = first.append(b);
    const right = first.append(c);
    expect([left, right].map(text)).toEqual(['data: a\n\ndata: b\n\n', 'data: a\n\ndata: c\n\n']);
    expect(text(first)).toBe('data: a\n\n');
    expect([left.last, right.last, first.last]).toEqual([b, c, a]);
    expect(left.frames()).toEqual([a, b]);
  });

  it('is empty without frames', () => {
    expect(EMPTY_BATCH).toMatchObject({ isEmpty: true, byteLength: 0, last: undefined });
    expect(EMPTY_BATCH.frames()).toEqual([]);
    expect(EMPTY_BATCH.append(frame('a')).isEmpty).toBe(false);
  });

  it('does not reuse a link after forgetNext', () => {
    const a = frame('a');
    const before = EMPTY_BATCH.append(a);
    EMPTY_BATCH.forgetNext();
    expect(EMPTY_BATCH.append(a)).not.toBe(before);
    expect(text(before)).toBe('data: a\n\n');
  });

  it('gives each client the frames of its rooms in order, and clients of the same rooms one link, for any membership', () => {
    const membership = fc.array(fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 12,
    });
    const published = fc.array(fc.nat({ max: 3 }), { maxLength: 15 });
    fc.assert(
      fc.property(membership, published, (clients, rooms) => {
        const batches = clients.map((): Batch => EMPTY_BATCH);
        const received = clients.map(() => '');
        for (const [n, room] of rooms.entries()) {
          const next = frame(`${n} in ${room}`);
          for (const [client, joined] of clients.entries()) {
            if (!joined.includes(room)) continue;
            batches[client] = (batches[client] as Batch).append(next);
            received[client] += next.bytes.toString();
          }
        }
        expect(batches.map(text)).toEqual(received);
        const links = new Map(received.map((all, client) => [all, batches[client]]));
        expect(new Set(batches).size).toBe(links.size);
        for (const batch of batches) {
          if (!batch.isEmpty) expect(unchunked(batch.chunked)).toEqual([batch.bytes]);
        }
      }),
    );
  });
});
