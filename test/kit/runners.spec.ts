import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { compileApp } from '../support/compiled-app.js';

const RECIPES = 'test/kit/recipes';
const run = promisify(execFile);

let app: ReturnType<typeof compileApp>;
let folder: string;

/** Runs a program in its own process; throws with its output when a test of it fails. @returns the output */
async function outputOf(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, args, { timeout: 110_000 });
  return stdout;
}

beforeAll(() => {
  app = compileApp(
    '',
    readdirSync(RECIPES).map((name) => `${RECIPES}/${name}`),
  );
  folder = dirname(app.main);
}, 120_000);
afterAll(() => app.remove());

describe('a recipe of docs/09-testing.md', () => {
  it.each([
    ['orders.node-test.ts', 2],
    ['clock.node-test.ts', 1],
  ])(
    '%s passes in node:test, and its process ends by itself',
    async (recipe, count) => {
      const file = join(folder, recipe.replace(/ts$/, 'js'));
      const output = await outputOf('--test-reporter=tap', '--import=reflect-metadata', file);
      expect(output).toMatch(new RegExp(`^# pass ${count}$`, 'm'));
      expect(output).toMatch(/^# fail 0$/m);
    },
    120_000,
  );

  it('orders.vitest.ts passes in Vitest, and its process ends by itself', async () => {
    const config = join(folder, 'vitest.config.mjs');
    const test = { include: ['orders.vitest.js'], exclude: [], setupFiles: ['reflect-metadata'] };
    writeFileSync(config, `export default ${JSON.stringify({ test })};`);
    const output = await outputOf(
      'node_modules/vitest/vitest.mjs',
      'run',
      '--root',
      folder,
      '--config',
      config,
    );
    expect(output).toMatch(/Tests .*2 passed/);
  }, 120_000);

  it('is shown there as these tests run it', () => {
    const page = readFileSync('docs/09-testing.md', 'utf8');
    const shown = Array.from(
      page.matchAll(/^```ts ([\w.-]+)\n([^]*?)^```$/gm),
      ([, name = '', code = '']) => [name, code],
    );
    expect(shown.map(([name]) => name)).toEqual(expect.arrayContaining(readdirSync(RECIPES)));
    for (const [name, code] of shown)
      expect([name, code]).toEqual([name, readFileSync(`${RECIPES}/${name}`, 'utf8')]);
  });
});
