import { nowMicros } from '../lib/clock.mjs';
import { MARKER, SEQ_DIGITS, TIME_DIGITS } from '../lib/payload.mjs';

const MAX_SAMPLES = 2_000_000;

/** Counts the events that the fleet has received, from the bytes of each read. */
export class Tally {
  events = 0;
  reads = 0;
  bytes = 0;
  disorder = 0;
  /** `sse:gap` events; looked for only where ids are followed. */
  gaps = 0;
  #samples = 0;
  /** @type {Float64Array | undefined} */
  #latencies;
  #target = Infinity;
  #reached = () => {};

  reset({ latency }) {
    this.events = this.reads = this.bytes = this.disorder = this.gaps = this.#samples = 0;
    this.#latencies = latency ? new Float64Array(MAX_SAMPLES) : undefined;
  }

  /**
   * One read of one client.
   * @param {import('./client.mjs').Client} client
   * @param {Buffer} chunk
   */
  count(client, chunk) {
    this.reads++;
    this.bytes += chunk.length;
    let found = 0;
    for (let at = chunk.indexOf(MARKER); at !== -1; at = chunk.indexOf(MARKER, at + 1)) {
      found++;
      // The head of an event may be cut by the end of the read: it is counted, its numbers are not looked at.
      if (at + 1 + SEQ_DIGITS + TIME_DIGITS > chunk.length) {
        client.nextSeq = -1;
        continue;
      }
      const seq = digits(chunk, at + 1, SEQ_DIGITS);
      if (client.nextSeq !== -1 && seq !== client.nextSeq) this.disorder++;
      client.nextSeq = seq + 1;
      if (this.#latencies !== undefined && this.#samples < MAX_SAMPLES) {
        this.#latencies[this.#samples++] = nowMicros() - digits(chunk, at + 1 + SEQ_DIGITS, TIME_DIGITS);
      }
    }
    client.events += found;
    this.events += found;
    if (this.events >= this.#target) this.#reached();
  }

  /** Resolves with the time at which `total` events had arrived. */
  reaches(total, timeoutMs) {
    if (this.events >= total) return nowMicros();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#target = Infinity;
        reject(new Error(`${this.events} of ${total} events after ${timeoutMs} ms`));
      }, timeoutMs);
      this.#target = total;
      this.#reached = () => {
        this.#target = Infinity;
        clearTimeout(timer);
        resolve(nowMicros());
      };
    });
  }

  /** The samples of the last measurement, ascending. */
  latencies() {
    return (this.#latencies ?? new Float64Array(0)).subarray(0, this.#samples).toSorted();
  }
}

function digits(chunk, from, length) {
  let value = 0;
  for (let at = from; at < from + length; at++) value = value * 10 + (chunk[at] - 48);
  return value;
}
