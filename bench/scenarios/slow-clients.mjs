import { medianOfFields } from '../lib/statistics.mjs';
import { notAVariant, ownFleet } from './fleets.mjs';

const BYTES = 64 * 1024;

/**
 * Linux takes about 4 MB for a client that has never read (its send buffer grows that far) before a server
 * can notice. That much is published first; the figures are taken when the stalled are really stalled.
 */
const FILL_EVENTS = 90;

/** More than this module keeps per room. */
const HISTORY_EVENTS = 300;

/** The kernel also widens the readers' windows as they read: both figures are taken when it has. */
const WARM_UP_EVENTS = 40;

/** @type {import('./fleets.mjs').Cell} */
export const slowClients = {
  id: 'slow-clients',
  scenario: 'slow-clients',
  title: 'Slow clients: 180 read, 20 more do not; 64 KB events',
  note:
    'Throughput of the 180 beside the stalled, against the same 180 alone. Memory is what the server holds in the end for ' +
    'each stalled client, beyond the 4 MB that the kernel took, out of 9 MB published; little, when it was cut.',
  fleet: ownFleet('slow clients', 200, 100),
  rounds: 1,
  coreRounds: 2,
  columns: [
    { field: 'ratio', title: 'throughput of the rest, with / without stalled', digits: 2 },
    { field: 'perSecond', title: 'deliveries per second beside stalled', digits: 0 },
    { field: 'memory', title: 'server memory per stalled client (KB)', digits: 0 },
    { field: 'cut', title: 'stalled clients cut', digits: 0 },
  ],
  leftOut: notAVariant,
  async measure(stage, { quick }) {
    const clients = quick ? 100 : 200;
    const stalled = clients / 10;
    const run = { receivers: clients - stalled, bytes: BYTES, count: 10, block: 5, reading: true };
    // To one client at first: whoever keeps a history of the room has it full, so that it does not count as backlog.
    await stage.connect({ clients: 1 });
    await stage.deliver({ ...run, receivers: 1, count: HISTORY_EVENTS });
    await stage.connect({ clients: clients - stalled - 1 });
    await stage.deliver({ ...run, count: WARM_UP_EVENTS });
    const without = await typical(stage, run);
    const before = await stage.memory();
    await stage.connect({ clients: stalled, paused: true });
    await stage.deliver({ ...run, count: FILL_EVENTS });
    const beside = await typical(stage, run);
    const now = await stage.memory();
    const used = (memory) =>
      stage.peer.kind === 'external' ? memory.rss : memory.heapUsed + memory.external;
    return {
      ratio: beside.perSecond / without.perSecond,
      perSecond: beside.perSecond,
      cpu: beside.cpu,
      memory: Math.max(0, used(now) - used(before)) / stalled / 1024,
      cut: clients - (await stage.server.call('connections')),
    };
  },
};

/** The median of five: throughput on a wall clock feels every neighbour of the machine. */
async function typical(stage, run) {
  const measurements = [];
  for (let repeat = 0; repeat < 5; repeat++) measurements.push(await stage.deliver(run));
  return medianOfFields(measurements);
}
