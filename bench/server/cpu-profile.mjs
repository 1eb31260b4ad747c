import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const SAMPLING_MICROS = 200;

/** A CPU profile of just the measured part (start-up and connecting would drown it). */
export class CpuProfile {
  #session;

  async start() {
    this.#session = new Session();
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROS });
    await this.#session.post('Profiler.start');
  }

  /** @param {string} file where the `.cpuprofile` goes */
  async stop(file) {
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    writeFileSync(file, JSON.stringify(profile));
    return topFunctions(profile);
  }
}

/** Self time per function, the largest ones, in percent of the profile. */
function topFunctions({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  let total = 0;
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (functionName === '(idle)') return;
    const name = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
    self.set(name, (self.get(name) ?? 0) + timeDeltas[index]);
    total += timeDeltas[index];
  });
  return [...self]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 14)
    .map(([name, micros]) => `${((100 * micros) / total).toFixed(1).padStart(6)} % ${name}`);
}
