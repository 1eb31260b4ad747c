import type { Subscription } from 'rxjs';
import type { CloseReason } from '../../connection/close-reason.js';
import type { RoomHub } from '../../rooms/room-hub.js';

/** Counts of a node since its start. Rates are differences between two summaries. */
export interface Activity {
  readonly opened: number;
  readonly ended: Readonly<Partial<Record<CloseReason, number>>>;
}

/** Counts the streams of a node as they open and end. */
export class NodeActivity {
  #opened = 0;
  readonly #ended: Partial<Record<CloseReason, number>> = {};
  readonly #subscriptions: readonly Subscription[];

  constructor({ observables }: Pick<RoomHub, 'observables'>) {
    this.#subscriptions = [
      observables.connected.subscribe(() => void this.#opened++),
      observables.disconnected.subscribe(
        ({ reason }) => void (this.#ended[reason] = (this.#ended[reason] ?? 0) + 1),
      ),
    ];
  }

  get counts(): Activity {
    return { opened: this.#opened, ended: { ...this.#ended } };
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}
