import type { Labels } from '../metrics/instruments.js';
import { labelKey } from '../metrics/label-key.js';

const NO_LABELS: Labels = {};

interface Series {
  readonly labels: Labels;
  /** Values by bucket; the last one is of those above every bound. */
  readonly counts: number[];
  sum: number;
}

/** One line of a histogram, as prom-client writes it. */
interface Line {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * A histogram that a registry of prom-client serves. The `Histogram` of prom-client takes about a microsecond for each value,
 * which an event to a small room would notice; this one adds to a number.
 */
export class BucketedHistogram {
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();
  /** The series of labels whose object comes with each value: no text is made of them. */
  #byObject = new WeakMap<Labels, Series>();

  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#bounds = bounds;
    if (labelNames.length === 0) this.#seriesOf(NO_LABELS);
  }

  observe(value: number, labels: Labels = NO_LABELS): void {
    const series = this.#byObject.get(labels) ?? this.#seriesOf(labels);
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++;
    series.counts[bucket] = (series.counts[bucket] as number) + 1;
    series.sum += value;
  }

  /** Called by the registry. */
  async get(): Promise<object> {
    const values = Array.from(this.#series.values(), (series) => this.#linesOf(series)).flat();
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values };
  }

  /** Called by the registry. */
  reset(): void {
    this.#series.clear();
    this.#byObject = new WeakMap();
    if (this.labelNames.length === 0) this.#seriesOf(NO_LABELS);
  }

  #seriesOf(labels: Labels): Series {
    const key = this.labelNames.length === 0 ? '' : labelKey(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels, counts: Array<number>(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    this.#byObject.set(labels, series);
    return series;
  }

  #linesOf({ labels, counts, sum }: Series): Line[] {
    let count = 0;
    const buckets = counts.map((each, index): Line => {
      count += each;
      const le = this.#bounds[index] ?? '+Inf';
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
