/** The command of the bench. See README.md for what it measures and how to read it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readArguments, USAGE } from './lib/arguments.mjs';
import { takeBuild } from './lib/build.mjs';
import { checkDescriptors } from './lib/limits.mjs';
import { machine } from './lib/machine.mjs';
import { runRounds } from './lib/rounds.mjs';
import { ours } from './peers/index.mjs';
import { renderText, publish } from './report/index.mjs';

async function main() {
  const plan = readArguments(process.argv.slice(2));
  if (plan.help) return console.log(USAGE);

  if (plan.peers.some(({ id }) => ours.includes(id))) takeBuild();
  checkDescriptors(Math.max(...plan.cells.map(({ fleet }) => (fleet.peak ?? fleet.clients)(plan.quick))));
  if (plan.profileFolder) mkdirSync(plan.profileFolder, { recursive: true });

  const startedAt = performance.now();
  const results = await runRounds(plan, (line) => console.error(line));
  const seconds = Math.round((performance.now() - startedAt) / 1e3);
  const report = { machine: machine(), rounds: plan.rounds, quick: plan.quick, seconds, results };

  console.log(renderText(report, { detail: true }));
  const file = plan.isComplete ? 'latest.json' : 'partial.raw.json';
  const folder = new URL('./results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(file, folder), `${JSON.stringify(report, undefined, 2)}\n`);
  if (plan.isComplete) publish(report);
}

// Lets `exit` handlers run, which remove files. The other processes end with this one.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
