// Proof by counting: every event of a room has a number in its room, 1, 2, 3 …

export class Ledger {
  received = 0;
  resumed = 0;
  duplicated = 0;
  #rooms = new Map();
  #missedElsewhere = 0;

  /** Numbers that were skipped and have not come after all. */
  get missed() {
    return [...this.#rooms.values()].reduce((sum, { holes }) => sum + holes.size, this.#missedElsewhere);
  }

  /** @returns {'new' | 'resumed' | 'again'} */
  count({ room, seq, at }) {
    const known = this.#rooms.get(room) ?? { last: seq - 1, holes: new Set(), resumedUntil: 0 };
    this.#rooms.set(room, known);
    if (seq <= known.last && !known.holes.delete(seq)) {
      this.duplicated += 1;
      return 'again';
    }
    for (let hole = known.last + 1; hole < seq; hole += 1) known.holes.add(hole);
    known.last = Math.max(known.last, seq);
    this.received += 1;
    if (at >= known.resumedUntil) return 'new';
    this.resumed += 1;
    return 'resumed';
  }

  /** A new connection began at this time of the server: what is older was said in this tab's absence. */
  reconnected(at) {
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
}
