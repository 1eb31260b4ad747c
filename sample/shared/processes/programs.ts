import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { UserError } from './user-error.js';

/** Debian installs nginx in a folder on root's PATH only. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const OLDEST_REDIS = 7;
const REDIS = 'redis-server';

/** @throws UserError that names the missing programs and how to install them, or a Redis that is too old */
export function findPrograms<Name extends string>(
  names: readonly Name[],
  path = process.env['PATH'] ?? '',
): Record<Name, string> {
  const folders = [...path.split(delimiter), ...MORE_FOLDERS];
  const found = names.map((name) => [name, find(name, folders)] as const);
  const missing = found.filter(([, program]) => program === undefined).map(([name]) => name);
  if (missing.length > 0) {
    const packages = missing.join(' ');
    throw new UserError(
      `${missing.join(' and ')} not found on the PATH. On Debian and Ubuntu: sudo apt-get install ${packages}`,
    );
  }
  const programs = Object.fromEntries(found) as Record<string, string>;
  if (programs[REDIS] !== undefined) checkRedis(programs[REDIS]);
  return programs;
}

function checkRedis(program: string): void {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
  if (Number(/v=(\d+)/.exec(version)?.[1] ?? OLDEST_REDIS) >= OLDEST_REDIS) return;
  throw new UserError(`Redis ${OLDEST_REDIS} or later is needed; ${program} is ${version.trim()}`);
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
