/**
 * The event that every peer sends: `^<seq, 8 digits><time, 16 digits>` and filler up to the asked size, plain
 * ASCII. It is a string, not an object: peers that would serialise an object once per client are spared that.
 * The marker occurs once per event, so the load generator counts events by counting one byte. (Not `~`: that
 * is 126, which is in the head of every WebSocket frame of 126 bytes and more.)
 */
export const MARKER = 0x5e; // '^'
export const SEQ_DIGITS = 8;
export const TIME_DIGITS = 16;
const HEAD_LENGTH = 1 + SEQ_DIGITS + TIME_DIGITS;

const fillers = new Map();

/**
 * @param {number} bytes
 * @param {number} seq
 * @param {number} atMicros when the event was due: a publisher that is late must not hide it
 */
export function payload(bytes, seq, atMicros) {
  let filler = fillers.get(bytes);
  if (filler === undefined) fillers.set(bytes, (filler = 'x'.repeat(Math.max(0, bytes - HEAD_LENGTH))));
  return `^${String(seq).padStart(SEQ_DIGITS, '0')}${String(atMicros).padStart(TIME_DIGITS, '0')}${filler}`;
}
