import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { someTurns } from './within.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Returns the bytes in use after garbage collection. */
export async function memoryInUse(): Promise<{ buffers: number; heap: number }> {
  // Buffers are released in later turns than the objects that hold them.
  for (let n = 0; n < 3; n++) {
    collect();
    await someTurns(5);
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return { buffers: arrayBuffers, heap: heapUsed };
}
