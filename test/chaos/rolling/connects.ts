/** Length of a slice of time in which connects are counted. */
const SLICE_MS = 1_000;

/** The times at which clients have sent a request, in milliseconds. */
export class Connects {
  readonly #times: number[] = [];
  #longestStallMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#longestStallMs = Math.max(this.#longestStallMs, nowMs - lastMs);
      lastMs = nowMs;
    }, 10);
  }

  readonly add = (): void => void this.#times.push(performance.now());

  get count(): number {
    return this.#times.length;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * The most connects within a second, as a multiple of an even rate: all of them spread over `evenMs`. A stalled machine
   * brings clients together, so its longest stall counts as a part of each second.
   *
   * @param from number of the first connect
   */
  peak(from: number, evenMs: number): number {
    return peakOf(this.#times.slice(from), evenMs, this.#longestStallMs);
  }
}

/** As `Connects.peak`. @param times ascending, in milliseconds */
export function peakOf(times: readonly number[], evenMs: number, longestStallMs = 0): number {
  let most = 0;
  let first = 0;
  for (const [index, time] of times.entries()) {
    while (time - (times[first] as number) > SLICE_MS) first++;
    most = Math.max(most, index - first + 1);
  }
  return most / ((times.length * (SLICE_MS + longestStallMs)) / evenMs);
}
