/** Resources used by the server process. */
import { setTimeout as sleep } from 'node:timers/promises';

/** CPU time of this process with all of its threads (garbage collection included), in microseconds. */
export function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return { user, system };
}

/** Memory after a full collection. Twice, with a turn between: finalizers and closed sockets free more on the second. */
export async function memory() {
  for (let round = 0; round < 2; round++) {
    globalThis.gc();
    await sleep(50);
  }
  globalThis.gc();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return { heapUsed, external, arrayBuffers, rss };
}
