import { spawn } from 'node:child_process';
import { Child } from './child.js';

/** A Redis of the sample's own: on the loopback only, in memory only, with what `redisBroker` asks for. */
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
  // Detached: a Ctrl+C reaches the supervisor alone, which then stops the others in its own order.
  const options = { cwd: folder, detached: true };
  return new Child('redis-server', spawn(program, Object.entries(settings).flat(), options));
}
