import { nowUs, type Position } from '../protocol/position.js';

/** Gives each event its position: the time in microseconds, or one more than the last where that is greater. */
export class PositionClock {
  #last: Position;

  /** @param start positions begin after it: now, so that no position lies before the memory's own beginning */
  constructor(start: Position = nowUs()) {
    this.#last = start;
  }

  get last(): Position {
    return this.#last;
  }

  next(): Position {
    this.#last = Math.max(this.#last + 1, nowUs());
    return this.#last;
  }
}
