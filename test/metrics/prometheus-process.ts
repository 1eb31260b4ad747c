import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../redis/redis-server.js';
import { eventually, PATIENCE_MS } from '../support/within.js';

const isThere = spawnSync('prometheus', ['--version']).error === undefined;

/** The reason to skip a suite; `undefined` in CI, where it then fails. */
export const missingPrometheus =
  isThere || process.env['CI'] === 'true' ? undefined : 'prometheus is not on the PATH';

/** Labels of one series, with its values: each a time in seconds and a number as text. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** A Prometheus that reads `/metrics` of some ports, in a process of its own. */
export class PrometheusProcess {
  readonly #url: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, running: ChildProcess, folder: string) {
    this.#url = url;
    this.#process = running;
    this.#folder = folder;
  }

  /**
   * @param targets ports of nodes
   * @param intervalMs time between two scrapes of a node, and the longest one of a scrape
   */
  static async start(targets: readonly number[], intervalMs = 500): Promise<PrometheusProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'sse-prometheus-'));
    const port = await freePort();
    const addresses = targets.map((each) => `'127.0.0.1:${each}'`).join(', ');
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: { scrape_interval: ${intervalMs}ms, scrape_timeout: ${intervalMs}ms }
scrape_configs: [{ job_name: sse, static_configs: [{ targets: [${addresses}] }] }]\n`,
    );
    const options = ['--config.file=prometheus.yml', '--storage.tsdb.path=data'];
    const running = spawn('prometheus', [...options, `--web.listen-address=127.0.0.1:${port}`], {
      cwd: folder,
      stdio: 'ignore',
    });
    const prometheus = new PrometheusProcess(`http://127.0.0.1:${port}`, running, folder);
    await eventually(() => prometheus.#isReady(), 'Prometheus is ready', PATIENCE_MS);
    return prometheus;
  }

  /** The newest values of a query of the dashboard. */
  async values(expr: string): Promise<string[]> {
    const result = await this.#ask<{ value: readonly [number, string] }>('query', expr, {});
    return result.map(({ value }) => value[1]);
  }

  /** The values of a query of the dashboard over a time, in seconds since 1970. */
  series(expr: string, times: { start: number; end: number; step: number }): Promise<readonly Series[]> {
    return this.#ask<Series>('query_range', expr, times);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.kill()) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ask<Result>(path: string, expr: string, times: Readonly<Record<string, number>>): Promise<Result[]> {
    // As Grafana fills them in.
    const query = expr.replace('$instance', '.*').replace('$__rate_interval', '30s');
    const parameters = new URLSearchParams({ query });
    for (const [name, value] of Object.entries(times)) parameters.set(name, String(value));
    const response = await fetch(`${this.#url}/api/v1/${path}?${parameters.toString()}`);
    if (!response.ok)
      throw new Error(`${query} is answered with ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { data: { result: Result[] } }).data.result;
  }

  #isReady(): Promise<boolean> {
    return fetch(`${this.#url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
