// Judges what arrives: every event of a room has a number. What comes before the `welcome` of its connection
// is held until then; only then can be told what of it was said in this tab's absence.
import { Ledger } from './ledger.js';

export class Arrivals {
  ledger = new Ledger();
  #stream;
  #onCounted;
  #onBack;
  #welcomed = false;
  #held = [];
  /** From a cut until the first event that is new again; none before the first welcome. */
  #absence;
  #hasBeenHere = false;

  /** @param onCounted after each event; @param onBack when an absence is over: `{ seconds, resumed, missed, gap }` */
  constructor(stream, onCounted, onBack) {
    this.#stream = stream;
    this.#onCounted = onCounted;
    this.#onBack = onBack;
  }

  /** @param show is given each event of this name once, and whether it was resumed; one that came before is counted only */
  on(name, show) {
    this.inTurn(name, (event) => this.#count(event, show));
  }

  /** Events that have no number, heard in their place among those that have one. */
  inTurn(name, show) {
    this.#stream.addEventListener(name, ({ detail: event }) => {
      if (this.#welcomed) show(event);
      else this.#held.push(() => show(event));
    });
  }

  /** The connection is gone, or not there yet. */
  away() {
    this.#welcomed = false;
    if (!this.#hasBeenHere) return;
    const { resumed, missed } = this.ledger;
    this.#absence ??= { since: performance.now(), resumed, missed };
  }

  /** What the server cannot give back, it says: that is shown instead of a count that would claim too much. */
  gap({ rooms, reason }) {
    const names = rooms.filter((room) => room !== '*').join(', ');
    if (this.#absence) this.#absence.gap = `the server announced a gap in ${names} (${reason})`;
  }

  /** @param at the server's clock, as this connection's welcome tells it */
  welcome(at) {
    this.ledger.reconnected(at);
    this.#hasBeenHere = this.#welcomed = true;
    for (const take of this.#held.splice(0)) take();
  }

  #count(event, show) {
    const verdict = this.ledger.count(event);
    if (verdict !== 'again') show(event, verdict === 'resumed');
    if (verdict === 'new' && this.#absence) this.#endAbsence();
    this.#onCounted();
  }

  #endAbsence() {
    const { since, resumed, missed, gap } = this.#absence;
    this.#absence = undefined;
    this.#onBack({
      seconds: ((performance.now() - since) / 1000).toFixed(1),
      resumed: this.ledger.resumed - resumed,
      missed: this.ledger.missed - missed,
      gap,
    });
  }
}
