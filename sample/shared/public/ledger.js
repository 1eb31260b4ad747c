// Proof by counting: every event of a room has a number in its room, 1, 2, 3 …

export class Ledger {
  received = 0;
  resumed = 0;
  duplicated = 0;
  /** Came after a greater number of the same room. */
  disordered = 0;
  #rooms = new Map();
  #missedElsewhere = 0;
  #openedAt = Infinity;
  #reconnectedAt = 0;

  /** Numbers that were skipped and have not come after all. */
  get missed() {
    return [...this.#rooms.values()].reduce((sum, { holes }) => sum + holes.size, this.#missedElsewhere);
  }

  /**
   * @param since when the room began to count, by the server's clock: if that is after this ledger was opened, its
   * number 1 belongs here too. Without it the first number that comes is the first that is expected.
   * @returns {'new' | 'resumed' | 'again'}
   */
  count({ room, seq, at, since = 0 }) {
    const known = this.#known(room, since, seq - 1);
    const isLate = seq <= known.last;
    if (isLate && !known.holes.delete(seq)) {
      this.duplicated += 1;
      return 'again';
    }
    if (isLate) this.disordered += 1;
    else this.#skipTo(known, seq - 1);
    known.last = Math.max(known.last, seq);
    this.received += 1;
    if (at >= known.resumedUntil) return 'new';
    this.resumed += 1;
    return 'resumed';
  }

  /** So far the room has counted, says somebody who knows: what is not here by now is missing. */
  expect({ room, seq, since = 0 }) {
    const known = this.#known(room, since, seq);
    this.#skipTo(known, seq);
    known.last = Math.max(known.last, seq);
  }

  /** A new connection began at this time of the server: what is older was said in this tab's absence. */
  reconnected(at) {
    this.#openedAt = Math.min(this.#openedAt, at);
    this.#reconnectedAt = at;
    for (const known of this.#rooms.values()) known.resumedUntil = at;
  }

  /** After leaving a room, or when the server counts anew, the old numbers mean nothing any more. */
  forget(room) {
    this.#missedElsewhere += this.#rooms.get(room)?.holes.size ?? 0;
    this.#rooms.delete(room);
  }

  forgetAll() {
    for (const room of this.#rooms.keys()) this.forget(room);
  }

  #known(room, since, last) {
    const known = this.#rooms.get(room) ?? this.#begin(since > this.#openedAt, last);
    this.#rooms.set(room, known);
    return known;
  }

  #begin(isYounger, last) {
    return isYounger
      ? { last: 0, holes: new Set(), resumedUntil: this.#reconnectedAt }
      : { last, holes: new Set(), resumedUntil: 0 };
  }

  #skipTo(known, seq) {
    for (let hole = known.last + 1; hole <= seq; hole += 1) known.holes.add(hole);
  }
}
