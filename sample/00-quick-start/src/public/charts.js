// Four moving charts of the last minute.
import { ChartPanel } from './chart-panel.js';

const WINDOW_S = 60;
/** Two samples further apart than this have a hole between them. */
const HOLE_S = 1.6;
const TICK_MS = matchMedia('(prefers-reduced-motion: reduce)').matches ? 1_000 : 100;

const FIGURES = [
  { title: 'CPU', unit: '%', floor: 10, lines: [['cpuPercent', 'of one core', 'teal']] },
  {
    title: 'Memory',
    unit: 'MiB',
    floor: 100,
    lines: [
      ['rssMiB', 'resident', 'violet'],
      ['heapMiB', 'heap', 'pink'],
    ],
  },
  {
    title: 'Event loop delay',
    unit: 'ms',
    floor: 4,
    lines: [
      ['loopMaxMs', 'worst', 'amber'],
      ['loopMeanMs', 'mean', 'brown'],
    ],
  },
  { title: 'Streams', unit: '', floor: 4, lines: [['clients', 'open', 'blue']] },
];

export class Charts {
  /** seq -> sample, in the order of time. */
  #samples = new Map();
  #away = [];
  #panels;
  /** The server's clock minus this one, in seconds. */
  #skew = 0;

  constructor(parent) {
    this.#panels = FIGURES.map((figure) => new ChartPanel(parent, figure, this.#away));
    setInterval(() => document.hidden || this.#draw(), TICK_MS);
  }

  add(...samples) {
    for (const sample of samples) this.#samples.set(sample.at, sample);
    const sorted = [...this.#samples.values()].toSorted((a, b) => a.at - b.at);
    const oldest = sorted.at(-1).at - (WINDOW_S + 5) * 1000;
    this.#samples = new Map(sorted.filter(({ at }) => at > oldest).map((sample) => [sample.at, sample]));
    const points = withHoles([...this.#samples.values()]);
    for (const panel of this.#panels) panel.feed(points);
  }

  /** Sets the server's clock, from the welcome of the stream. */
  clock(at) {
    this.#skew = (at - Date.now()) / 1000;
  }

  /** Shades the charts from now until `back()`: this tab receives no events. */
  cut() {
    if (this.#away.at(-1)?.to !== Infinity) this.#away.push({ from: this.#now(), to: Infinity });
  }

  back() {
    const last = this.#away.at(-1);
    if (last?.to === Infinity) last.to = this.#now();
    if (this.#away.length > 20) this.#away.shift();
  }

  #now() {
    return Date.now() / 1000 + this.#skew;
  }

  #draw() {
    const max = this.#now();
    for (const panel of this.#panels) panel.plot.setScale('x', { min: max - WINDOW_S, max });
  }
}

/** Converts times to seconds, and adds an empty point where samples are missing, so that no line spans the hole. */
function withHoles(samples) {
  const points = [];
  for (const sample of samples) {
    const at = sample.at / 1000;
    const last = points.at(-1);
    if (last && at - last.at > HOLE_S) points.push({ at: last.at + 0.001 });
    points.push({ ...sample, at });
  }
  return points;
}
