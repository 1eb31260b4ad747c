// Counts received events by their numbers and measures absences. Events in front of the `welcome` of a connection are
// held until it arrives: its time separates missed events from live ones.
import { EventCounter } from './event-counter.js';

export class ReceivedEvents {
  counter = new EventCounter();
  #live;
  #onCounted;
  #onReturn;
  #welcomed = false;
  #held = [];
  /** The current absence: from a cut until the next new event. `undefined` before the first welcome. */
  #absence;
  #hasBeenWelcomed = false;

  /** @param onCounted after each event; @param onReturn when an absence is over: `{ seconds, resumed, missed, gap }` */
  constructor(live, onCounted, onReturn) {
    this.#live = live;
    this.#onCounted = onCounted;
    this.#onReturn = onReturn;
  }

  /** @param show called once per event of this name, with whether it was resumed. A repeated event is only counted */
  on(name, show) {
    this.inTurn(name, (event) => this.#count(event, show));
  }

  /** Handles events without a number, in sequence with the numbered ones. */
  inTurn(name, show) {
    this.#live.on(name, (event) => {
      if (this.#welcomed) show(event);
      else this.#held.push(() => show(event));
    });
  }

  /** Called when there is no connection. */
  away() {
    this.#welcomed = false;
    if (!this.#hasBeenWelcomed) return;
    const { resumed, missed } = this.counter;
    this.#absence ??= { since: performance.now(), resumed, missed };
  }

  /** Notes a gap that the server sent. It is shown instead of a count. */
  gap({ rooms, reason }) {
    const names = rooms.filter((room) => room !== '*').join(', ');
    if (this.#absence) this.#absence.gap = `the server announced a gap in ${names} (${reason})`;
  }

  /** @param at the server's clock in the welcome of this connection */
  welcome(at) {
    this.counter.reconnected(at);
    this.#hasBeenWelcomed = this.#welcomed = true;
    for (const take of this.#held.splice(0)) take();
  }

  #count(event, show) {
    const verdict = this.counter.count(event);
    if (verdict !== 'again') show(event, verdict === 'resumed');
    if (verdict === 'new' && this.#absence) this.#endAbsence();
    this.#onCounted();
  }

  #endAbsence() {
    const { since, resumed, missed, gap } = this.#absence;
    this.#absence = undefined;
    this.#onReturn({
      seconds: ((performance.now() - since) / 1000).toFixed(1),
      resumed: this.counter.resumed - resumed,
      missed: this.counter.missed - missed,
      gap,
    });
  }
}
