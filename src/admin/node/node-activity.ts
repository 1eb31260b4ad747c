import type { Subscription } from 'rxjs';
import type { CloseReason } from '../../connection/close-reason.js';
import type { NodeSums, NodeTotals } from '../../metrics/node-totals.js';
import type { RoomHub } from '../../rooms/room-hub.js';

/** Counts of a node since its start. Rates are differences between two summaries. */
export interface Activity extends Partial<NodeSums> {
  readonly opened: number;
  readonly ended: Readonly<Partial<Record<CloseReason, number>>>;
}

/** Counts the streams of a node as they open and end, beside its totals. */
export class NodeActivity {
  #opened = 0;
  readonly #ended: Partial<Record<CloseReason, number>> = {};
  readonly #subscriptions: readonly Subscription[];
  readonly #totals: NodeTotals | undefined;

  constructor({ observables }: Pick<RoomHub, 'observables'>, totals: NodeTotals | undefined) {
    this.#totals = totals;
    this.#subscriptions = [
      observables.connected.subscribe(() => void this.#opened++),
      observables.disconnected.subscribe(
        ({ reason }) => void (this.#ended[reason] = (this.#ended[reason] ?? 0) + 1),
      ),
    ];
  }

  get counts(): Activity {
    return { opened: this.#opened, ended: { ...this.#ended }, ...this.#totals?.sums };
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}
