import { cpSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const VARIABLE = 'BENCH_BUILD';
const inRoot = (path) => new URL(`../../${path}`, import.meta.url);

/**
 * Copies the root's build, so that a long run measures one build even if the root is built meanwhile.
 * The copy lies inside this folder: from here, as from the root, `@nestjs/*` and `rxjs` are the root's.
 * @throws when the root has not been installed and built
 */
export function takeBuild() {
  if (!existsSync(inRoot('node_modules/@nestjs/core'))) {
    throw new Error('The root is not installed: run `npm ci` there first');
  }
  if (!existsSync(inRoot('dist/index.js'))) {
    throw new Error('The module is not built: run `npm run build` in the root first');
  }
  const copy = fileURLToPath(inRoot(`bench/dist/${process.pid}`));
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
  cpSync(inRoot('dist'), copy, { recursive: true });
  // Inherited by the server processes.
  process.env[VARIABLE] = copy;
}

/** The module under test, as it would be published; or another file of it. From the root's build, where no copy was taken. */
export const importBuild = (file = 'index') =>
  import(`${process.env[VARIABLE] ?? fileURLToPath(inRoot('dist'))}/${file}.js`);
