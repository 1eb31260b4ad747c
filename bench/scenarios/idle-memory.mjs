import { fleets, notAmongTenThousand } from './fleets.mjs';

/** @type {import('./fleets.mjs').Cell} */
export const idleMemory = {
  id: 'idle-memory',
  scenario: 'idle-memory',
  title: 'Idle memory: 10,000 connections',
  note: 'After a full collection, less what the server used before the first connection. Of nchan only the resident memory can be seen.',
  fleet: fleets.tenThousand,
  rounds: 1,
  columns: [
    { field: 'heap', title: 'heap per connection (KB)', digits: 2 },
    { field: 'rss', title: 'resident per connection (KB)', digits: 1 },
  ],
  leftOut: notAmongTenThousand,
  async measure(stage, { clients }) {
    const now = await stage.memory();
    const perClient = (field) => (now[field] - stage.memoryBefore[field]) / clients / 1024;
    const heap = stage.peer.kind === 'external' ? undefined : perClient('heapUsed');
    return { ...(heap !== undefined && { heap, external: perClient('external') }), rss: perClient('rss') };
  },
};
