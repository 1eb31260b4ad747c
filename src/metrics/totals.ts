import type { Labels } from './instruments.js';
import { labelKey } from './label-key.js';

/** A value and its labels. */
export interface Total {
  readonly labels: Labels;
  readonly value: number;
}

/** Sums of one instrument by their labels. Cheap to add to, since an adapter reads them only when it is asked. */
export class Totals {
  readonly #byLabels = new Map<string, { readonly labels: Labels; value: number }>();

  add(value: number, labels: Labels = {}): void {
    const key = labelKey(labels);
    const total = this.#byLabels.get(key);
    if (total === undefined) this.#byLabels.set(key, { labels, value });
    else total.value += value;
  }

  all(): Iterable<Total> {
    return this.#byLabels.values();
  }
}
