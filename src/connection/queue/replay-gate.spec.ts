import * as fc from 'fast-check';
import { SseFrame } from '../../protocol/sse-frame.js';
import { ReplayGate } from './replay-gate.js';
import { SlowClientPolicy } from './slow-client-policy.js';

function frame(length: number, position = 0): SseFrame {
  return new SseFrame('x'.repeat(length), { position });
}

function gateOf(maxQueuedBytes: number): ReplayGate {
  return new ReplayGate(new SlowClientPolicy({ maxQueuedBytes, writeTimeoutMs: false, shutdownGraceMs: 0 }));
}

describe('a replay gate', () => {
  it('holds frames and returns them in order, once', () => {
    const gate = gateOf(100);
    const frames = [frame(1, 5), frame(2), frame(3, 6)];
    for (const each of frames) expect(gate.hold(each)).toBe(true);
    expect(gate.heldBytes).toBe(6);
    expect(gate.take()).toEqual(frames);
    expect([gate.take(), gate.heldBytes, gate.overflowed]).toEqual([[], 0, false]);
  });

  it('copies frames out of the memory blocks that Node shares', () => {
    const gate = gateOf(100);
    for (const each of [frame(1, 5), frame(2), new SseFrame('x', { volatileKey: 'k' })]) gate.hold(each);
    for (const { chunked } of gate.take()) expect(chunked.buffer.byteLength).toBe(chunked.length);
  });

  it('drops frames of history over its limit, and requests another read', () => {
    const gate = gateOf(10);
    const unreplayable = frame(3);
    gate.hold(frame(4, 1));
    gate.hold(unreplayable);
    expect(gate.hold(frame(4, 2))).toBe(true);
    expect([gate.overflowed, gate.heldBytes]).toEqual([true, 3]);
    // Positions are read from history until then: a frame held now would skip the dropped ones.
    expect(gate.hold(frame(1, 3))).toBe(true);
    expect(gate.take()).toEqual([unreplayable]);
    expect(gate.overflowed).toBe(false);
    gate.hold(frame(4, 4));
    expect(gate.take().map(({ position }) => position)).toEqual([4]);
  });

  it('drops frames of history to hold one that exists nowhere else', () => {
    const gate = gateOf(10);
    gate.hold(frame(9, 1));
    const unreplayable = frame(10);
    expect(gate.hold(unreplayable)).toBe(true);
    expect([gate.overflowed, gate.heldBytes]).toEqual([true, 10]);
    expect(gate.take()).toEqual([unreplayable]);
  });

  it('refuses a frame that exists nowhere else if it does not fit', () => {
    const full = gateOf(10);
    full.hold(frame(6));
    full.hold(frame(1, 1));
    expect(full.hold(frame(5))).toBe(false);
  });

  it('holds a single frame larger than the limit', () => {
    const gate = gateOf(10);
    expect([gate.hold(frame(11, 1)), gate.overflowed]).toEqual([true, false]);
    expect([gate.hold(frame(12)), gate.overflowed, gate.heldBytes]).toEqual([true, true, 12]);
    expect(gate.hold(frame(1))).toBe(false);
  });

  it('stays within its limit, and drops only frames of history after an overflow, for any sequence of frames', () => {
    const coming = fc.array(fc.record({ length: fc.integer({ min: 1, max: 6 }), replayable: fc.boolean() }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(coming, fc.integer({ min: 1, max: 40 }), (frames, maxBytes) => {
        const gate = gateOf(maxBytes);
        const offered: SseFrame[] = [];
        for (const [n, { length, replayable }] of frames.entries()) {
          const next = frame(length, replayable ? n + 1 : 0);
          if (!gate.hold(next)) {
            // The client is too slow: the gate is full of frames that exist nowhere else.
            expect(gate.heldBytes + length).toBeGreaterThan(maxBytes);
            return;
          }
          offered.push(next);
          // A single frame may be larger.
          expect(gate.heldBytes).toBeLessThanOrEqual(
            Math.max(maxBytes, ...frames.map((each) => each.length)),
          );
        }
        const { overflowed } = gate;
        expect(gate.take()).toEqual(overflowed ? offered.filter(({ position }) => position === 0) : offered);
      }),
    );
  });

  it('keeps the newest volatile frame of each key that fits', () => {
    const gate = gateOf(10);
    const [older, newer, tooLarge] = [4, 5, 11].map(
      (length) => new SseFrame('x'.repeat(length), { volatileKey: 'k' }),
    ) as [SseFrame, SseFrame, SseFrame];
    for (const volatile of [older, newer, tooLarge]) expect(gate.hold(volatile)).toBe(true);
    expect([gate.heldBytes, gate.overflowed]).toEqual([5, false]);
    expect(gate.take()).toEqual([newer]);
  });
});
