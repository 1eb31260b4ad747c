import { StreamSlot } from './stream-limits.js';
import { Tally } from './tally.js';

function slotWith(): { slot: StreamSlot; released: string[] } {
  const released: string[] = [];
  const limits = { slotReleased: () => void released.push('own') };
  const plain = { release: () => void released.push('plain') };
  return { slot: new StreamSlot(limits, plain), released };
}

describe('the slot of a stream that opens', () => {
  it('is released once, by what it hands over', () => {
    const { slot, released } = slotWith();
    const kept = slot.handOver();
    slot.release();
    expect(released).toEqual([]);
    kept.release();
    expect(released).toEqual(['plain']);
  });

  it('is kept with its keys and its timer', () => {
    const { slot, released } = slotWith();
    const tally = new Tally();
    slot.take(tally, 'a', 1);
    expect(slot.handOver()).toBe(slot);
    slot.release();
    expect(released).toEqual(['own']);
    expect(tally.take('a', 1)).toBe(true);

    const timed = slotWith().slot;
    timed.startTimer(() => {}, 60_000);
    expect(timed.handOver()).toBe(timed);
    timed.release();
  });

  it('is not released again if it was released before', () => {
    const { slot, released } = slotWith();
    slot.release();
    slot.handOver().release();
    expect(released).toEqual(['own']);
  });
});
