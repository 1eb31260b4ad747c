import { ownFleet } from './fleets.mjs';

const BYTES = 4 * 1024;
const EVENTS = 80;
const RUN_FOR = new Set(['net', 'http', 'express', 'fastify']);

/** @type {import('./fleets.mjs').Cell} */
export const sharedBacklog = {
  id: 'shared-backlog',
  scenario: 'shared-backlog',
  title: 'Shared backlog: 10,000 stalled clients of one room, 80 events of 4 KB',
  note:
    'Over a Unix socket, whose buffer is small (about 200 KB; over TCP the kernel alone would take 40 GB). Then all of them ' +
    'read again, and each must have every event once and in order. One copy of what was published is 0.3 MB.',
  fleet: ownFleet('shared backlog', 10_000, 2_000, { socketPath: true }),
  rounds: 1,
  coreRounds: 1,
  columns: [
    { field: 'heldMb', title: 'server memory for the backlog (MB)', digits: 0 },
    { field: 'perClient', title: 'per client (KB)', digits: 2 },
    { field: 'rssMb', title: 'resident memory, growth (MB)', digits: 0 },
  ],
  leftOut: (peer) =>
    RUN_FOR.has(peer.id)
      ? undefined
      : 'only the floor, `node:http` and this module; the others stand in the table of slow clients',
  async measure(stage, { quick }) {
    const clients = quick ? 2_000 : 10_000;
    await stage.connect({ clients, paused: true });
    const before = await stage.memory();
    await stage.load.call('reset');
    await stage.server.call('publishPaced', { room: '0', bytes: BYTES, count: EVENTS });
    const now = await stage.memory();
    await stage.load.call('resume');
    await stage.load.call('awaitEvents', { total: clients * EVENTS });
    await stage.verify({ count: EVENTS });
    const held = now.heapUsed + now.external - before.heapUsed - before.external;
    return {
      heldMb: held / 2 ** 20,
      perClient: held / clients / 1024,
      rssMb: (now.rss - before.rss) / 2 ** 20,
    };
  },
};
