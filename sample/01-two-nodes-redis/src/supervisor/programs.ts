import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Problem } from './problem.js';

/** Debian keeps nginx where only root's PATH looks. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const OLDEST_REDIS = 7;

export interface Programs {
  readonly redis: string;
  readonly nginx: string;
}

/** @throws Problem that names all that is missing, and how to install it */
export function findPrograms(path = process.env['PATH'] ?? ''): Programs {
  const folders = [...path.split(delimiter), ...MORE_FOLDERS];
  const [redis, nginx] = [find('redis-server', folders), find('nginx', folders)];
  if (redis === undefined || nginx === undefined) {
    const missing = [...(redis ? [] : ['redis-server']), ...(nginx ? [] : ['nginx'])];
    throw new Problem(
      `${missing.join(' and ')} not found on the PATH. On Debian and Ubuntu: sudo apt-get install ${missing.join(' ')}`,
    );
  }
  const version = execFileSync(redis, ['--version'], { encoding: 'utf8' });
  if (Number(/v=(\d+)/.exec(version)?.[1] ?? OLDEST_REDIS) < OLDEST_REDIS) {
    throw new Problem(`Redis ${OLDEST_REDIS} or later is needed; ${redis} is ${version.trim()}`);
  }
  return { redis, nginx };
}

function find(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
