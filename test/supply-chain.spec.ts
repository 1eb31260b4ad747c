import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const WORKFLOWS = join('.github', 'workflows');
const workflows = readdirSync(WORKFLOWS).map((name) => ({
  name,
  text: readFileSync(join(WORKFLOWS, name), 'utf8'),
}));
const publish = workflows.find(({ name }) => name === 'publish.yml')?.text ?? '';
const manifest: { version: string; files: string[] } = JSON.parse(readFileSync('package.json', 'utf8'));

/** The actions of a workflow that are not pinned by a commit with its tag beside it. */
function unpinned(workflow: string): string[] {
  const uses = workflow.split('\n').filter((line) => /\buses:/.test(line));
  return uses.filter((line) => !/^ +(- )?uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));
}

/** The commands of a job, in their order. */
function commandsOf(workflow: string, job: string): string[] {
  const [, rest = ''] = workflow.split(new RegExp(`^  ${job}:$`, 'm'));
  const [steps = ''] = rest.split(/^ {2}\w+:$/m);
  return [...steps.matchAll(/^ +- run: (.*)$/gm)].map(([, command = '']) => command);
}

describe.each(workflows)('the workflow $name', ({ text }) => {
  it('takes each action by its commit, with the tag beside it', () => {
    expect(text).toMatch(/\buses:/);
    expect(unpinned(text)).toEqual([]);
  });

  it('may only read the repository, unless a job says more, and leaves no credentials in the checkout', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n$/m);
    const checkouts = text.split('actions/checkout@').slice(1);
    for (const checkout of checkouts)
      expect(checkout).toMatch(/^.*\n +with:\n +persist-credentials: false\n/);
  });
});

describe('an action that is not pinned', () => {
  it.each([
    'actions/checkout@v6',
    'actions/checkout@main',
    `a/b@${'0'.repeat(40)}`,
    `a/b@${'0'.repeat(39)} # v1.0.0`,
  ])('is found: %s', (action) => {
    expect(unpinned(`    steps:\n      - uses: ${action}\n`)).toHaveLength(1);
  });

  it('is distinguished from one that is pinned', () => {
    expect(unpinned(`    steps:\n      - uses: a/b@${'0'.repeat(40)} # v1.0.0\n`)).toEqual([]);
  });
});

describe('the publish workflow', () => {
  it('runs on the tags of versions only', () => {
    expect(/^on:\n([^]*?)\n\n/m.exec(publish)?.[1]).toBe(`  push:\n    tags: ['v[0-9]+.[0-9]+.[0-9]+']`);
  });

  it('publishes with provenance, after every check of .ci/run has passed', () => {
    expect(commandsOf(publish, 'test').at(-1)).toBe('.ci/run');
    expect(publish).toMatch(/^ {2}publish:\n {4}needs: test\n/m);
    expect(publish).toMatch(/^ {6}id-token: write/m);
    expect(commandsOf(publish, 'publish').at(-1)).toBe('npm run release');
  });

  it.each([
    { tag: `v${manifest.version}`, status: 0 },
    { tag: `v9${manifest.version}`, status: 1 },
    { tag: 'main', status: 1 },
  ])('ends with $status on the tag $tag', ({ tag, status }) => {
    const [check = ''] = commandsOf(publish, 'test');
    expect(spawnSync('bash', ['-ec', check], { env: { ...process.env, GITHUB_REF_NAME: tag } }).status).toBe(
      status,
    );
  });
});

describe('SECURITY.md', () => {
  const page = readFileSync('SECURITY.md', 'utf8');

  it('says where and how to report, what a report contains, which versions are mended and when to expect an answer', () => {
    const titles = [
      'How to report',
      'What a report should contain',
      'What happens next',
      'Supported versions',
    ];
    expect([...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(
      expect.arrayContaining(titles),
    );
    expect(page).toContain('Report a vulnerability');
  });

  it('is in the package, and names no address that could be stale', () => {
    expect(manifest.files).toContain('SECURITY.md');
    expect(page).not.toMatch(/@\w|https?:/);
  });
});
