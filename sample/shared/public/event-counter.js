// Detects missed, repeated and late events: every event of a room has a number in its room, 1, 2, 3 …

export class EventCounter {
  received = 0;
  resumed = 0;
  duplicated = 0;
  /** Events that came after a greater number of the same room. */
  disordered = 0;
  #rooms = new Map();
  #missedElsewhere = 0;
  #openedAt = Infinity;
  #reconnectedAt = 0;

  /** Numbers that were skipped and have not arrived later. */
  get missed() {
    return [...this.#rooms.values()].reduce((sum, { holes }) => sum + holes.size, this.#missedElsewhere);
  }

  /**
   * @param since start of the room's numbers, by the server's clock. If it is after the first connection, number 1 is
   * expected. Without it the first number received is the first expected.
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

  /** Takes the newest number of a room from a trusted source: numbers not received by now are missed. */
  expect({ room, seq, since = 0 }) {
    const known = this.#known(room, since, seq);
    this.#skipTo(known, seq);
    known.last = Math.max(known.last, seq);
  }

  /** A new connection began at this server time: older events were published during the absence. */
  reconnected(at) {
    this.#openedAt = Math.min(this.#openedAt, at);
    this.#reconnectedAt = at;
    for (const known of this.#rooms.values()) known.resumedUntil = at;
  }

  /** Discards the numbers of a room, after leaving it or when the server counts from 1 again. */
  forget(room) {
    this.#missedElsewhere += this.#rooms.get(room)?.holes.size ?? 0;
    this.#rooms.delete(room);
  }

  /** Discards the numbers of all rooms whose name begins with these words, as `match/1` for `match/1 A2`. */
  forgetMatching(words) {
    for (const room of this.#rooms.keys()) if (room.startsWith(`${words} `)) this.forget(room);
  }

  /** True once an event of the room was counted, or its number expected. */
  knows(room) {
    return this.#rooms.has(room);
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
