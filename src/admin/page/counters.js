// What nodes have counted since their start, and how much of it within the last minute.

const WINDOW_MS = 60_000;

/** The counters of a node by their names, as `gaps/trimmed`. A node of an older version lacks some. */
export function countersOf({ opened, deliveries = 0, volatileDropped = 0, ended, gaps = {}, resumes = {} }) {
  const counters = new Map(Object.entries({ opened, deliveries, volatileDropped }));
  for (const [group, counts] of Object.entries({ ended, gaps, resumes }))
    for (const [name, count] of Object.entries(counts)) counters.set(`${group}/${name}`, count);
  return counters;
}

/** Increases of counters. A node that ends takes none of them back. */
export class Counters {
  #sums = new Map();
  /** Copies of the sums, at even intervals. The first one is a minute old, or as old as the page. */
  #marks = [{ atMs: 0, sums: new Map() }];

  /** Adds what one node has counted between two summaries. */
  add(before, after) {
    for (const [name, value] of after)
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + value - (before.get(name) ?? 0));
  }

  mark(nowMs) {
    this.#marks.push({ atMs: nowMs, sums: new Map(this.#sums) });
    while (this.#marks.length > 1 && this.#marks[1].atMs <= nowMs - WINDOW_MS) this.#marks.shift();
  }

  /** The increase of a counter within the last minute. */
  get(name) {
    return (this.#sums.get(name) ?? 0) - (this.#marks[0].sums.get(name) ?? 0);
  }
}
