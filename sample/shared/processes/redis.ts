import { spawn } from 'node:child_process';
import { Child } from './child.js';

/** Starts a Redis for the sample: on the loopback and in memory only, with the settings that `redisBroker` needs. */
export function startRedis(program: string, folder: string, port: number): Child {
  const settings = {
    '--port': `${port}`,
    '--bind': '127.0.0.1',
    '--dir': folder,
    '--save': '',
    '--appendonly': 'no',
    '--maxmemory': '64mb',
    '--maxmemory-policy': 'noeviction',
  };
  // Detached: Ctrl+C reaches the supervisor only, which then stops the others in sequence.
  const options = { cwd: folder, detached: true };
  return new Child('redis-server', spawn(program, Object.entries(settings).flat(), options));
}
