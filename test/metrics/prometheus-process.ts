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

/** A Prometheus that reads `/metrics` of some ports each half second, in a process of its own. */
export class PrometheusProcess {
  readonly #url: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, running: ChildProcess, folder: string) {
    this.#url = url;
    this.#process = running;
    this.#folder = folder;
  }

  /** @param targets ports of nodes */
  static async start(targets: readonly number[]): Promise<PrometheusProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'sse-prometheus-'));
    const port = await freePort();
    const addresses = targets.map((each) => `'127.0.0.1:${each}'`).join(', ');
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: { scrape_interval: 500ms, scrape_timeout: 500ms }
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
    // As Grafana fills them in.
    const query = expr.replace('$instance', '.*').replace('$__rate_interval', '30s');
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(query)}`);
    if (!response.ok)
      throw new Error(`${query} is answered with ${response.status}: ${await response.text()}`);
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result.map(({ value }) => value[1]);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.kill()) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #isReady(): Promise<boolean> {
    return fetch(`${this.#url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
