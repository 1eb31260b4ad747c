import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 2;

/** The longest time the event loop was held between `start` and `stop`. Every other request waited for it. */
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
