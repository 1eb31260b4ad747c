import { burst } from './burst.mjs';
import { connections } from './connections.mjs';
import { fanOut, wideFanOut } from './fan-out.mjs';
import { heartbeats } from './heartbeats.mjs';
import { idleMemory } from './idle-memory.mjs';
import { latency } from './latency.mjs';
import { manyRooms } from './many-rooms.mjs';
import { retainedObjects } from './retained-objects.mjs';
import { redisCells } from './redis.mjs';
import { reconnectStorm, resume } from './resume.mjs';
import { sharedBacklog } from './shared-backlog.mjs';
import { slowClients } from './slow-clients.mjs';

/**
 * All cells, in the order in which they run on a shared fleet: idle memory before anything was published,
 * the mass disconnect last.
 * @type {import('./fleets.mjs').Cell[]}
 */
export const cells = [
  ...fanOut,
  burst,
  latency,
  idleMemory,
  ...wideFanOut,
  connections,
  manyRooms,
  slowClients,
  sharedBacklog,
  heartbeats,
  resume,
  reconnectStorm,
  retainedObjects,
  ...redisCells,
];
