import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 2;

/** The longest time the event loop was held between `start` and `stop`: what every other request had to wait. */
export class EventLoopLag {
  #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start() {
    this.#histogram.reset();
    this.#histogram.enable();
  }

  /** @returns {{ maxMs: number }} */
  stop() {
    this.#histogram.disable();
    return { maxMs: Math.max(0, this.#histogram.max / 1e6 - RESOLUTION_MS) };
  }
}
