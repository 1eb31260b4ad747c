import * as fc from 'fast-check';
import { SseFrame } from '../../protocol/sse-frame.js';
import { ReplayGate } from './replay-gate.js';

function frame(length: number, position = 0): SseFrame {
  return new SseFrame('x'.repeat(length), { position });
}

describe('a replay gate', () => {
  it('holds what comes and gives it back in order, once', () => {
    const gate = new ReplayGate(100);
    const frames = [frame(1, 5), frame(2), frame(3, 6)];
    for (const each of frames) expect(gate.hold(each)).toBe(true);
    expect(gate.heldBytes).toBe(6);
    expect(gate.take()).toEqual(frames);
    expect([gate.take(), gate.heldBytes, gate.overflowed]).toEqual([[], 0, false]);
  });

  it('holds events in memory of their own, not in blocks that Node shares', () => {
    const gate = new ReplayGate(100);
    for (const each of [frame(1, 5), frame(2), new SseFrame('x', { volatileKey: 'k' })]) gate.hold(each);
    for (const { chunked } of gate.take()) expect(chunked.buffer.byteLength).toBe(chunked.length);
  });

  it('over its bound it lets go of what history can bring back, and asks for another round', () => {
    const gate = new ReplayGate(10);
    const direct = frame(3);
    gate.hold(frame(4, 1));
    gate.hold(direct);
    expect(gate.hold(frame(4, 2))).toBe(true);
    expect([gate.overflowed, gate.heldBytes]).toEqual([true, 3]);
    // From here on each position comes from history: one held now would pass over those let go.
    expect(gate.hold(frame(1, 3))).toBe(true);
    expect(gate.take()).toEqual([direct]);
    expect(gate.overflowed).toBe(false);
    gate.hold(frame(4, 4));
    expect(gate.take().map(({ position }) => position)).toEqual([4]);
  });

  it('what exists nowhere else makes others give way first', () => {
    const gate = new ReplayGate(10);
    gate.hold(frame(9, 1));
    const direct = frame(10);
    expect(gate.hold(direct)).toBe(true);
    expect([gate.overflowed, gate.heldBytes]).toEqual([true, 10]);
    expect(gate.take()).toEqual([direct]);
  });

  it('says so where such a frame would be lost for good', () => {
    const full = new ReplayGate(10);
    full.hold(frame(6));
    full.hold(frame(1, 1));
    expect(full.hold(frame(5))).toBe(false);
  });

  it('one event alone may be larger than the bound, and then gives way or is all that is held', () => {
    const gate = new ReplayGate(10);
    expect([gate.hold(frame(11, 1)), gate.overflowed]).toEqual([true, false]);
    expect([gate.hold(frame(12)), gate.overflowed, gate.heldBytes]).toEqual([true, true, 12]);
    expect(gate.hold(frame(1))).toBe(false);
  });

  it('whatever comes: within its bound, nothing lost without overflow, nothing lost that exists nowhere else', () => {
    const coming = fc.array(fc.record({ length: fc.integer({ min: 1, max: 6 }), kept: fc.boolean() }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(coming, fc.integer({ min: 1, max: 40 }), (frames, maxBytes) => {
        const gate = new ReplayGate(maxBytes);
        const offered: SseFrame[] = [];
        for (const [n, { length, kept }] of frames.entries()) {
          const next = frame(length, kept ? n + 1 : 0);
          if (!gate.hold(next)) {
            // Too slow: then what is held is all of the kind that exists nowhere else, and it is full.
            expect(gate.heldBytes + length).toBeGreaterThan(maxBytes);
            return;
          }
          offered.push(next);
          // One alone may be larger.
          expect(gate.heldBytes).toBeLessThanOrEqual(
            Math.max(maxBytes, ...frames.map((each) => each.length)),
          );
        }
        const { overflowed } = gate;
        expect(gate.take()).toEqual(overflowed ? offered.filter(({ position }) => position === 0) : offered);
      }),
    );
  });
});
