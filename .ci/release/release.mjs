// Checks the sources, builds and checks the tarball, and publishes it with provenance: CONTRIBUTING.md, "Releases".
// `--dry-run` publishes nothing, and accepts entries below [Unreleased]. `--built`, with `--dry-run` only, takes `dist` as it is.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sourceFaults } from './sources.mjs';
import { pack, tarballFaults } from './tarball.mjs';

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean' }, built: { type: 'boolean' } } });
const isRelease = values['dry-run'] !== true;
const folder = mkdtempSync(join(tmpdir(), 'release-'));

function refuseIfAny(faults) {
  if (faults.length === 0) return;
  throw new Error(`Not released:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
}

function run(program, ...args) {
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed`);
}

try {
  refuseIfAny(isRelease && values.built ? ['--built needs --dry-run'] : []);
  refuseIfAny(sourceFaults({ isRelease, env: process.env }));
  if (!values.built) run('npm', 'run', 'build');
  const tarball = pack(folder, process.env);
  refuseIfAny(tarballFaults(tarball));
  console.log(`${tarball.files.length} files, ${tarball.bytes} bytes`);
  const publish = ['publish', tarball.path, '--provenance', '--access', 'public'];
  if (isRelease) run('npm', ...publish);
  else console.log(`Would run: npm ${publish.join(' ')}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
