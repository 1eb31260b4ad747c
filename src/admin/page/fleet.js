// The summaries of all nodes, and what they add up to.

/** Time after which a node without a new summary is shown as silent, and as gone, in milliseconds. */
const SILENT_MS = 8_000;
const GONE_MS = 30_000;
const MAX_ROOMS = 50;
const MAX_SLOW = 20;
/** Points of a curve: two minutes. */
const MAX_POINTS = 60;

export class Fleet {
  #nodes = new Map();
  #curves = { streams: [], opened: [], ended: [] };

  /** Takes the newest summary of a node. */
  take(summary, nowMs) {
    const before = this.#nodes.get(summary.node)?.summary;
    this.#nodes.set(summary.node, { summary, atMs: nowMs, rates: ratesOf(before, summary) });
  }

  forget(node) {
    this.#nodes.delete(node);
  }

  /** Nodes ordered by name, each with its rates and whether it is silent. */
  nodes(nowMs) {
    for (const [id, { atMs }] of this.#nodes) if (nowMs - atMs > GONE_MS) this.#nodes.delete(id);
    return [...this.#nodes.values()]
      .map(({ summary, atMs, rates }) => ({ ...summary, rates, isSilent: nowMs - atMs > SILENT_MS }))
      .toSorted((a, b) => a.name.localeCompare(b.name) || a.node.localeCompare(b.node));
  }

  totals(nowMs) {
    const nodes = this.nodes(nowMs);
    return {
      nodes: nodes.length,
      streams: sum(nodes, ({ streams }) => streams),
      slow: sum(nodes, ({ slowClients }) => slowClients.count),
      waitingBytes: sum(nodes, ({ slowClients }) => sum(slowClients.top, ({ queuedBytes }) => queuedBytes)),
      opened: sumOfRates(nodes, 'opened'),
      ended: sumOfRates(nodes, 'ended'),
    };
  }

  /** Adds a point to each curve. Called at even intervals. */
  note(totals) {
    for (const [name, points] of Object.entries(this.#curves)) {
      points.push(totals[name] ?? 0);
      if (points.length > MAX_POINTS) points.shift();
    }
  }

  curve(name) {
    return this.#curves[name];
  }

  /** The largest rooms. A room that a node does not list as large is counted without that node. */
  rooms(nowMs) {
    const sizes = new Map();
    for (const { topRooms } of this.nodes(nowMs))
      for (const [room, size] of topRooms) sizes.set(room, (sizes.get(room) ?? 0) + size);
    return [...sizes]
      .toSorted(([a, x], [b, y]) => y - x || a.localeCompare(b, undefined, { numeric: true }))
      .slice(0, MAX_ROOMS)
      .map(([key, size]) => ({ key, size }));
  }

  slow(nowMs) {
    return this.nodes(nowMs)
      .flatMap(({ name, slowClients }) =>
        slowClients.top.map((client) => ({ key: client.id, name, ...client })),
      )
      .toSorted((a, b) => b.queuedBytes - a.queuedBytes)
      .slice(0, MAX_SLOW);
  }

  ended(nowMs) {
    const reasons = new Map();
    for (const { activity } of this.nodes(nowMs))
      for (const [reason, ended] of Object.entries(activity.ended))
        reasons.set(reason, (reasons.get(reason) ?? 0) + ended);
    return [...reasons].toSorted(([, x], [, y]) => y - x).map(([key, ended]) => ({ key, ended }));
  }
}

function ratesOf(before, { uptimeMs, activity }) {
  const seconds = before === undefined ? 0 : (uptimeMs - before.uptimeMs) / 1_000;
  if (seconds <= 0) return {};
  return {
    opened: (activity.opened - before.activity.opened) / seconds,
    ended: (endedIn(activity) - endedIn(before.activity)) / seconds,
  };
}

function endedIn({ ended }) {
  return sum(Object.values(ended), (value) => value);
}

function sum(items, valueOf) {
  return items.reduce((total, item) => total + valueOf(item), 0);
}

/** `undefined` while no node has a rate yet. */
function sumOfRates(nodes, name) {
  const known = nodes.flatMap(({ rates }) => rates[name] ?? []);
  return known.length === 0 ? undefined : sum(known, (value) => value);
}
