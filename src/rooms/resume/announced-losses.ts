import type { HistoryPage } from '../../broker/broker.interface.js';
import type { Position } from '../../protocol/position.js';

/**
 * The losses that were announced to a client in its resume. A loss that reaches over several pages of history is announced once.
 *
 * Example: room `a` lost events up to position 50, and the first page ends at 30. The pages after 0 and after 30 both
 * name `a` as incomplete up to 50, and the client receives one `sse:gap`.
 */
export class AnnouncedLosses {
  readonly #upTo = new Map<string, Position>();

  /** Returns the rooms of `lost` whose loss in this page is new, and records them. */
  takeNew(lost: readonly string[], { lostUpTo }: Pick<HistoryPage, 'lostUpTo'>): string[] {
    return lost.filter((room) => {
      const upTo = lostUpTo?.get(room);
      if (upTo !== undefined && upTo <= (this.#upTo.get(room) ?? 0)) return false;
      if (upTo !== undefined) this.#upTo.set(room, upTo);
      return true;
    });
  }
}
