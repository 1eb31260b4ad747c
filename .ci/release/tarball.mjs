import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const programs = join(here, '..', '..', 'node_modules', '.bin');
const { allowed, maxBytes } = JSON.parse(readFileSync(join(here, 'tarball-rules.json'), 'utf8'));

/** Packs the tree as it is built. @returns its path, its size in bytes and the paths of its files */
export function pack(folder, env) {
  const { stdout, stderr, status } = withRepository(env, () =>
    spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      encoding: 'utf8',
    }),
  );
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
  const [{ filename, size, files }] = JSON.parse(stdout);
  return { path: join(folder, filename), bytes: size, files: files.map(({ path }) => path) };
}

/**
 * Calls `run` while package.json names the repository of the workflow, which npm compares with the provenance. The file in the
 * tree names none, so that it holds for a repository of any name.
 */
function withRepository({ GITHUB_SERVER_URL, GITHUB_REPOSITORY }, run) {
  const text = readFileSync('package.json', 'utf8');
  const manifest = JSON.parse(text);
  if (manifest.repository !== undefined || GITHUB_REPOSITORY === undefined) return run();
  const repository = { type: 'git', url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` };
  writeFileSync('package.json', `${JSON.stringify({ ...manifest, repository }, null, 2)}\n`);
  try {
    return run();
  } finally {
    writeFileSync('package.json', text);
  }
}

/** Returns what keeps a tarball from being published, a sentence each. */
export function tarballFaults({ path, bytes, files }) {
  const strange = files.filter((file) => !allowed.some((pattern) => new RegExp(pattern).test(file)));
  return [
    ...(bytes > maxBytes ? [`the tarball has ${bytes} bytes, more than ${maxBytes}`] : []),
    ...(strange.length > 0
      ? [`the tarball has files that tarball-rules.json does not name: ${strange}`]
      : []),
    ...toolFaults('publint', path, '--strict'),
    ...toolFaults('attw', path, '--profile', 'esm-only'),
  ];
}

function toolFaults(program, ...args) {
  const { status, stdout, stderr } = spawnSync(join(programs, program), args, { encoding: 'utf8' });
  return status === 0 ? [] : [`${program} found faults:\n${stdout}${stderr}`];
}
