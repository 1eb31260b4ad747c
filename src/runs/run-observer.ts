import { CHANNELS } from '../channels/channels.js';
import type { RunRecord } from '../broker/run-store.interface.js';
import type { NodeMetrics } from '../metrics/node-metrics.interface.js';
import type { FollowStart } from './following/follow-start.js';

type RunMetrics = Pick<NodeMetrics, 'runStarted' | 'runEnded' | 'clientResumed' | 'gapSent'>;
type RunEnd = Pick<RunRecord, 'state' | 'reason'> & { readonly entries?: number };

/** Reasons as labels of metrics. A broker of the application may have others. */
const REASONS = ['deadline', 'unwatched', 'shutdown', 'lease', 'lost'] as const;

/** Tells metrics and the diagnostics channel of a node what becomes of its runs. */
export class RunObserver {
  readonly #metrics: RunMetrics;

  constructor(metrics: RunMetrics) {
    this.#metrics = metrics;
  }

  started(run: string): void {
    this.#metrics.runStarted?.();
    if (CHANNELS.run.hasSubscribers) CHANNELS.run.publish({ run, state: 'running' });
  }

  /** @param record `undefined` for a run whose lease was lost */
  ended(run: string, record: RunEnd = { state: 'failed', reason: 'lease' }): void {
    const { state, reason, entries } = record;
    // A run that the store still has as running is lost to this node.
    if (state === 'running') return this.ended(run);
    this.#metrics.runEnded?.(state, REASONS.find((known) => known === reason) ?? 'none');
    if (CHANNELS.run.hasSubscribers) CHANNELS.run.publish({ run, state, reason, events: entries });
  }

  /** A client follows a run from here on. */
  followed({ gap, isResumed }: FollowStart): void {
    if (gap === 'invalid' || gap === 'epoch') this.#metrics.clientResumed?.('none', 'none');
    else if (isResumed) this.#metrics.clientResumed?.(gap === undefined ? 'full' : 'partial', 'broker');
  }

  gapSent(reason: NonNullable<FollowStart['gap']>): void {
    this.#metrics.gapSent?.(reason, 1);
  }
}
