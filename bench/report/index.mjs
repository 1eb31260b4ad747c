/** Turns figures into text on the terminal, tables in README.md, and the chart. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fanOutChart } from './chart.mjs';
import { renderTables } from './tables.mjs';

const README = new URL('../README.md', import.meta.url);
const CHART = new URL('../fan-out.svg', import.meta.url);
const START = '<!-- results:start (written by run.mjs) -->';
const END = '<!-- results:end -->';

/** @param {{ machine: ReturnType<typeof import('../lib/machine.mjs').machine>, rounds: number, quick: boolean, seconds: number }} report */
export function renderText(report, { detail = false } = {}) {
  const { date, cpu, cores, memoryGb, system, node, versions } = report.machine;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const size = report.quick ? ' **Quick run: the counts are smaller than the titles say.**' : '';
  const head =
    `${date}, ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}. ` +
    `Medians of ${report.rounds} round(s), ${report.seconds} s in all.${size}\n\n${packages.join(', ')}.`;
  return `${head}\n\n${renderTables(report, { detail })}\n`;
}

/** Writes the tables into README.md and draws the chart. */
export function publish(report) {
  const readme = readFileSync(README, 'utf8');
  const from = readme.indexOf(START);
  const to = readme.indexOf(END);
  if (from === -1 || to < from) throw new Error('README.md has lost its result markers');
  writeFileSync(
    README,
    `${readme.slice(0, from + START.length)}\n\n${renderText(report)}\n${readme.slice(to)}`,
  );
  writeFileSync(CHART, fanOutChart(report.results['fan-out/1000/100'], report.machine));
}
