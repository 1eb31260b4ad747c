import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const RELEASE = resolve('.ci/release/release.mjs');
const DATE_CHANGELOG = resolve('.ci/release/date-changelog.mjs');

const manifest = {
  name: 'released',
  version: '1.2.0',
  license: 'MIT',
  type: 'module',
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  files: ['dist', 'docs'],
};

/** A changelog with the sections between its title and the links of each of them. */
function changelog(...sections: readonly string[]): string {
  const names = sections.flatMap((section) => /^## (\[[^\]]+\])/.exec(section)?.[1] ?? []);
  const links = names.map((name) => `${name}: ../../commits/HEAD`);
  return ['# Changelog', ...sections, links.join('\n')].join('\n\n') + '\n';
}

const unreleased = '## [Unreleased]\n\n### Added\n\n- A thing.';
const released = '## [1.1.0] - 2026-01-31\n\n### Fixed\n\n- Another thing.';
const own = '## [1.2.0] - 2026-02-28\n\n### Changed\n\n- A third thing.';
const empty = '## [Unreleased]';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-spec-'));
  write('package.json', JSON.stringify(manifest));
  write('package-lock.json', JSON.stringify({ name: 'released', version: '1.2.0', lockfileVersion: 3 }));
  write('README.md', '# Released\n');
  write('CHANGELOG.md', changelog(unreleased, released));
  write('.gitignore', 'dist\n');
  write('dist/index.js', 'export const one = 1;\n');
  write('dist/index.d.ts', 'export declare const one = 1;\n');
  git('init', '--quiet');
  commit();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function git(...args: string[]): void {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
  const { status, stderr } = spawnSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function commit(): void {
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', '--message', 'State');
}

/** Runs the script as it is run outside of GitHub Actions, unless `env` says more. */
function release(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { status: number | null; output: string } {
  const { PATH, HOME } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [RELEASE, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH, HOME, ...env },
  });
  return { status, output: stdout + stderr };
}

const DRY = ['--dry-run', '--built'];

/** Commits a changelog and returns what the dry run says. */
function outputWith(...sections: readonly string[]): string {
  write('CHANGELOG.md', changelog(...sections));
  commit();
  const { status, output } = release(DRY);
  expect(status).toBe(1);
  return output;
}

describe('npm run release -- --dry-run', () => {
  it('passes for a clean tree with entries, and names the command that it does not run', () => {
    const { status, output } = release(DRY, {
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'a/released',
    });
    expect(output).toMatch(
      /^4 files, \d+ bytes\nWould run: npm publish .*\.tgz --provenance --access public\n$/,
    );
    expect(status).toBe(0);
    // The repository is named in the tarball only.
    expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toEqual(manifest);
  });

  it('refuses a tree with a changed, and with a new file', () => {
    write('README.md', '# Changed\n');
    write('docs/new.md', 'new\n');
    const { status, output } = release(DRY);
    expect(output).toMatch(/files differ from the commit: {2}M README\.md, \?\? docs\//);
    expect(status).toBe(1);
  });

  it('refuses a version without entries, and accepts its own section with an empty [Unreleased]', () => {
    expect(outputWith(empty, released)).toContain('no section of 1.2.0, and [Unreleased] is empty');
    expect(outputWith(empty, '## [1.2.0] - 2026-02-28', released)).toContain('section of 1.2.0 is empty');
    write('CHANGELOG.md', changelog(empty, own, released));
    commit();
    expect(release(DRY).status).toBe(0);
  });

  it.each([
    ['a heading of another form', [unreleased, '## 1.1.0 (2026-01-31)'], 'is neither [Unreleased] nor'],
    ['a version without a date', [unreleased, '## [1.1.0]\n\n- A.'], 'has no date'],
    ['a day that does not exist', [unreleased, '## [1.1.0] - 2026-02-30\n\n- A.'], 'is no past day'],
    ['a day to come', [unreleased, '## [1.1.0] - 2999-01-01\n\n- A.'], 'is no past day'],
    ['another kind of change', ['## [Unreleased]\n\n### News\n\n- A.', released], 'has "News" beside Added'],
    ['versions out of order', [unreleased, released, '## [1.1.5] - 2026-02-01\n\n- A.'], 'not in order'],
    ['no [Unreleased]', [released], 'first section is not "## [Unreleased]"'],
    [
      'a newer version than that of the package',
      [empty, '## [1.3.0] - 2026-03-01\n\n- A.', own],
      'not its newest',
    ],
  ])('refuses a changelog with %s', (_fault, sections, message) => {
    expect(outputWith(...sections)).toContain(message);
  });

  it('refuses a section without its link', () => {
    write('CHANGELOG.md', changelog(unreleased, released).replace(/^\[1\.1\.0\]: .*$/m, ''));
    commit();
    expect(release(DRY).output).toContain('[1.1.0] has no link');
  });

  it('refuses a lock file of another version, and a version that is no release', () => {
    write('package.json', JSON.stringify({ ...manifest, version: '1.3.0-beta.1' }));
    commit();
    const { output } = release(DRY);
    expect(output).toContain('package-lock.json has the version 1.2.0, not 1.3.0-beta.1');
    expect(output).toContain('1.3.0-beta.1 is not of the form 1.2.3');
  });

  it('refuses a tarball with strange files, with entry points that do not exist and with wrong types', () => {
    write('package.json', JSON.stringify({ ...manifest, main: './dist/missing.js' }));
    write('docs/secret.env', 'KEY=1\n');
    write('dist/index.d.ts', "export * from './missing.js';\n");
    commit();
    const { status, output } = release(DRY);
    expect(output).toContain('does not name: docs/secret.env');
    expect(output).toContain('publint found faults');
    expect(output).toContain('attw found faults');
    expect(status).toBe(1);
  });
});

describe('npm run release', () => {
  it('refuses to publish by hand, without a tag, a repository or a section of its version', () => {
    const { status, output } = release([]);
    for (const reason of [
      'it has no section "## [1.2.0] - ',
      'the commit has no tag v1.2.0',
      'package.json names no repository',
      'provenance is signed in GitHub Actions only',
    ])
      expect(output).toContain(reason);
    expect(status).toBe(1);
  });

  it('takes a build as it is in a dry run only', () => {
    expect(release(['--built']).output).toContain('--built needs --dry-run');
  });
});

describe('npm version', () => {
  it('makes the entries below [Unreleased] the dated section of the version, which can be released', () => {
    const { status } = spawnSync(process.execPath, [DATE_CHANGELOG], { cwd: folder });
    expect(status).toBe(0);
    const text = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8').replace(
      /(\[1\.2\.0\] - )\d{4}-\d{2}-\d{2}$/m,
      '$1DAY',
    );
    expect(text).toBe(
      `# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - DAY\n\n### Added\n\n- A thing.\n\n${released}\n\n` +
        `[Unreleased]: ../../compare/v1.2.0...HEAD\n[1.2.0]: ../../compare/v1.1.0...v1.2.0\n[1.1.0]: ../../commits/HEAD\n`,
    );
    commit();
    git('tag', 'v1.2.0');
    const { output } = release([]);
    expect(output).not.toMatch(/CHANGELOG|no tag/);
  });
});
