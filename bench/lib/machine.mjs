import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { redisVersion } from './redis-server.mjs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

const require = createRequire(import.meta.url);

/** Describes the machine and the versions of a run. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    versions: {
      ...versions([
        '@nestjs/core',
        'better-sse',
        '@fastify/sse',
        'express-sse',
        'simple-sse',
        'sse-channel',
        'socket.io',
        '@socket.io/redis-adapter',
        '@socket.io/redis-streams-adapter',
        'ioredis',
        'redis',
      ]),
      ...(redisVersion() && { 'redis-server': redisVersion() }),
    },
  };
}

/** Read from the installed folders: not every package lets its package.json be imported. */
function versions(names) {
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}

function versionOf(name) {
  for (const folder of require.resolve.paths(name)) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version;
    } catch {
      // not in this folder: the next one up
    }
  }
  return 'unknown';
}
