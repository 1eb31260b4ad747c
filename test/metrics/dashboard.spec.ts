import { readFileSync } from 'node:fs';
import { prometheusMetrics } from 'nestjs-simple-sse/prometheus';
import { Registry } from 'prom-client';
import { INSTRUMENTS } from '../../src/metrics/instruments.js';

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

const dashboard = JSON.parse(readFileSync('docs/grafana/nestjs-simple-sse.json', 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ targets }) => targets);

/** Names of metrics in a query. */
function namesIn(query: string): string[] {
  return query.match(/\bsse_[a-z_]+\b/g) ?? [];
}

/** Each name that Prometheus stores: a histogram has three. */
const stored = new Map(
  Object.values(INSTRUMENTS).flatMap(({ kind, prometheus, labels }): [string, readonly string[]][] =>
    kind === 'histogram'
      ? [[`sse_${prometheus}_bucket`, [...labels, 'le']]]
      : [[`sse_${prometheus}`, labels]],
  ),
);

describe('the dashboard of Grafana', () => {
  it('asks in every query for metrics that a node serves, by labels that they have', () => {
    expect(queries.length).toBeGreaterThan(20);
    for (const { expr, legendFormat } of queries) {
      const [name = '', ...others] = namesIn(expr);
      expect([name, others]).toEqual([expect.stringMatching(/^sse_/), []]);
      expect([...stored.keys()]).toContain(name);
      const by = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [];
      const legend = Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label = '']) => label);
      for (const label of by) expect([...(stored.get(name) ?? []), 'instance']).toContain(label);
      for (const label of legend) expect(by).toContain(label);
    }
  });

  it('has a query for every metric', () => {
    const asked = new Set(queries.flatMap(({ expr }) => namesIn(expr)));
    expect([...stored.keys()].filter((name) => !asked.has(name))).toEqual([]);
  });

  it('asks counters for a rate and histograms for a quantile, and the variable for a metric that exists', async () => {
    for (const { expr } of queries) {
      if (/_total\b/.test(expr)) expect(expr).toMatch(/\b(rate|increase)\(/);
      if (/_bucket\b/.test(expr)) expect(expr).toMatch(/^histogram_quantile\(/);
      expect(expr).toContain('instance=~"$instance"');
    }
    const registry = new Registry();
    prometheusMetrics({ registry });
    const served = new Set((await registry.metrics()).match(/^# TYPE \S+/gm)?.map((line) => line.slice(7)));
    for (const { query } of dashboard.templating.list)
      for (const name of namesIn(query)) expect(served).toContain(name);
  });
});
