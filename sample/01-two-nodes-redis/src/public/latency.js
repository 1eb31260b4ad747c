// How long events took from their publisher to this page. Both must have the same clock: here it is one machine.

const KEPT = 200;

export class Latency {
  #values = [];

  add(ms) {
    this.#values.push(Math.max(0, ms));
    if (this.#values.length > KEPT) this.#values.shift();
  }

  /** @param share 0.5 for the median */
  text(share) {
    if (this.#values.length === 0) return '–';
    const sorted = this.#values.toSorted((a, b) => a - b);
    const value = sorted[Math.ceil(sorted.length * share) - 1];
    return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  }
}
