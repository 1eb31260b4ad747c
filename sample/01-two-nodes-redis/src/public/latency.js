// Latency from publisher to page. Both need the same clock: in the sample they run on one machine.

const MAX_VALUES = 200;

export class Latency {
  #values = [];

  add(ms) {
    this.#values.push(Math.max(0, ms));
    if (this.#values.length > MAX_VALUES) this.#values.shift();
  }

  /** @param share 0.5 for the median */
  text(share) {
    if (this.#values.length === 0) return '–';
    const sorted = this.#values.toSorted((a, b) => a - b);
    const value = sorted[Math.ceil(sorted.length * share) - 1];
    return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  }
}
