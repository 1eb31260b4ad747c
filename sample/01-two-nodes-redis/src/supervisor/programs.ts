import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { UserError } from './user-error.js';

/** Debian installs nginx in a folder on root's PATH only. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const OLDEST_REDIS = 7;

export interface Programs {
  readonly redis: string;
  readonly nginx: string;
}

/** @throws UserError that names the missing programs and how to install them */
export function findPrograms(path = process.env['PATH'] ?? ''): Programs {
  const folders = [...path.split(delimiter), ...MORE_FOLDERS];
  const [redis, nginx] = [find('redis-server', folders), find('nginx', folders)];
  if (redis === undefined || nginx === undefined) {
    const missing = [...(redis ? [] : ['redis-server']), ...(nginx ? [] : ['nginx'])];
    throw new UserError(
      `${missing.join(' and ')} not found on the PATH. On Debian and Ubuntu: sudo apt-get install ${missing.join(' ')}`,
    );
  }
  const version = execFileSync(redis, ['--version'], { encoding: 'utf8' });
  if (Number(/v=(\d+)/.exec(version)?.[1] ?? OLDEST_REDIS) < OLDEST_REDIS) {
    throw new UserError(`Redis ${OLDEST_REDIS} or later is needed; ${redis} is ${version.trim()}`);
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
