// The summaries of all nodes, and what they add up to. Times are those of this browser, and each node's own uptime: no clock is compared.
import { Counters, countersOf } from './counters.js';

/** Time after which a node without a new summary is left out of all sums, and after which its row leaves, in milliseconds. */
const SILENT_MS = 8_000;
const GONE_MS = 30_000;
const MAX_ROOMS = 50;
const MAX_SLOW = 20;
/** Points of a curve: two minutes. */
const MAX_POINTS = 60;

const order = new Intl.Collator('en', { numeric: true }).compare;

export class Fleet {
  #nodes = new Map();
  #curves = { streams: [], opened: [], ended: [], deliveries: [] };
  #recent = new Counters();

  /** Takes the newest summary of a node. */
  take(summary, nowMs) {
    const before = this.#nodes.get(summary.node);
    const counters = countersOf(summary.activity);
    const seconds = before === undefined ? 0 : (summary.uptimeMs - before.summary.uptimeMs) / 1_000;
    let rates = {};
    if (seconds > 0) {
      rates = ratesOf(before.counters, counters, seconds);
      this.#recent.add(before.counters, counters);
    }
    this.#nodes.set(summary.node, { summary, counters, rates, atMs: nowMs });
  }

  forget(node) {
    this.#nodes.delete(node);
  }

  /** All that the page shows at one moment. A node that is silent has its row alone. */
  view(nowMs) {
    const nodes = this.#known(nowMs);
    const heard = nodes.filter(({ isSilent }) => !isSilent);
    return {
      nodes,
      totals: totalsOf(heard),
      rooms: largestRooms(heard),
      /** True if a node has more rooms than it lists. */
      isPart: heard.some(({ rooms }) => rooms > MAX_ROOMS),
      slow: slowest(heard),
      counts: this.#counts(heard),
    };
  }

  /** Adds a point to each curve. Called at even intervals. */
  note(totals, nowMs) {
    this.#recent.mark(nowMs);
    for (const [name, points] of Object.entries(this.#curves)) {
      points.push(totals[name] ?? 0);
      if (points.length > MAX_POINTS) points.shift();
    }
  }

  curve(name) {
    return this.#curves[name];
  }

  /** Nodes ordered by name. */
  #known(nowMs) {
    for (const [id, { atMs }] of this.#nodes) if (nowMs - atMs > GONE_MS) this.#nodes.delete(id);
    return [...this.#nodes.values()]
      .map(({ summary, counters, rates, atMs }) => {
        const silentMs = nowMs - atMs;
        return { ...summary, counters, rates, silentMs, isSilent: silentMs > SILENT_MS };
      })
      .toSorted((a, b) => order(a.name, b.name) || order(a.node, b.node));
  }

  /** Each counter with its sum since the nodes have started, and within the last minute. */
  #counts(nodes) {
    const counts = new Map();
    for (const { counters } of nodes)
      for (const [name, value] of counters) {
        const total = (counts.get(name)?.total ?? 0) + value;
        counts.set(name, { total, recent: this.#recent.get(name) });
      }
    return counts;
  }
}

function totalsOf(nodes) {
  return {
    nodes: nodes.length,
    streams: sum(nodes, ({ streams }) => streams),
    slow: sum(nodes, ({ slowClients }) => slowClients.count),
    waitingBytes: sum(nodes, ({ slowClients }) => slowClients.queuedBytes),
    opened: sumOfRates(nodes, 'opened'),
    ended: sumOfRates(nodes, 'ended'),
    deliveries: sumOfRates(nodes, 'deliveries'),
  };
}

/** A room that a node does not list as large is counted without that node. */
function largestRooms(nodes) {
  const sizes = new Map();
  for (const { topRooms } of nodes)
    for (const [room, size] of topRooms) sizes.set(room, (sizes.get(room) ?? 0) + size);
  return [...sizes]
    .toSorted(([a, x], [b, y]) => y - x || order(a, b))
    .slice(0, MAX_ROOMS)
    .map(([key, size]) => ({ key, size }));
}

function slowest(nodes) {
  return nodes
    .flatMap(({ name, slowClients }) =>
      slowClients.top.map((client) => ({ key: client.id, name, ...client })),
    )
    .toSorted((a, b) => b.queuedBytes - a.queuedBytes)
    .slice(0, MAX_SLOW);
}

function ratesOf(before, after, seconds) {
  const rateOf = (has) => (sumWhere(after, has) - sumWhere(before, has)) / seconds;
  return {
    opened: rateOf((name) => name === 'opened'),
    ended: rateOf((name) => name.startsWith('ended/')),
    deliveries: rateOf((name) => name === 'deliveries'),
  };
}

function sumWhere(counters, has) {
  return sum(
    [...counters].filter(([name]) => has(name)),
    ([, value]) => value,
  );
}

function sum(items, valueOf) {
  return items.reduce((total, item) => total + valueOf(item), 0);
}

/** `undefined` while no node has a rate yet. */
function sumOfRates(nodes, name) {
  const known = nodes.flatMap(({ rates }) => rates[name] ?? []);
  return known.length === 0 ? undefined : sum(known, (value) => value);
}
