import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { changelogFaults } from './changelog.mjs';

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

/** Returns what keeps the sources as they are from being released, a sentence each. */
export function sourceFaults({ isRelease, env }) {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const { version } = manifest;
  const today = new Date().toISOString().slice(0, 10);
  const changelog = changelogFaults(readFileSync('CHANGELOG.md', 'utf8'), { version, isRelease, today });
  return [
    ...(/^\d+\.\d+\.\d+$/.test(version) ? [] : [`the version ${version} is not of the form 1.2.3`]),
    ...(lock.version === version
      ? []
      : [`package-lock.json has the version ${lock.version}, not ${version}`]),
    ...changelog.map((fault) => `CHANGELOG.md: ${fault}`),
    ...treeFaults(isRelease),
    ...(isRelease ? releaseFaults(manifest, env) : []),
  ];
}

function treeFaults(isRelease) {
  const status = git('status', '--porcelain');
  if (status === undefined) return isRelease ? ['this is no checkout of Git'] : [];
  const changed = status.split('\n').filter(Boolean);
  return changed.length === 0 ? [] : [`files differ from the commit: ${changed.slice(0, 10).join(', ')}`];
}

/** Checks what only a release needs: the tag of its commit, the address of its repository, and what signs the provenance. */
function releaseFaults({ version, repository }, env) {
  const tag = `v${version}`;
  const isTagged =
    env.GITHUB_REF_NAME === tag || git('tag', '--points-at', 'HEAD')?.split('\n').includes(tag);
  return [
    ...(isTagged ? [] : [`the commit has no tag ${tag}`]),
    ...(repository || env.GITHUB_REPOSITORY ? [] : ['package.json names no repository']),
    ...(env.ACTIONS_ID_TOKEN_REQUEST_URL
      ? []
      : ['provenance is signed in GitHub Actions only, with "id-token: write": push the tag instead']),
  ];
}
