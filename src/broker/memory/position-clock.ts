import { nowUs, type Position } from '../../protocol/position.js';

/** Assigns positions: the current time in microseconds, or the last position plus one where that is greater. */
export class PositionClock {
  #last: Position;

  /** @param start the position before the first one. Default: now, so that no position predates the history */
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
