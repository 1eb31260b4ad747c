import { ownFleet } from './fleets.mjs';

const ROOMS = 5;
const MISSED = 100;
const BYTES = 100;

/** Only this module stores events; the others leave history to the application. */
const hasNoHistory = (peer) =>
  ['express', 'fastify'].includes(peer.id) ? undefined : 'leaves history to the application, or has none';

/** @type {import('./fleets.mjs').Cell} */
export const resume = {
  id: 'resume',
  scenario: 'resume',
  title: 'Resume: 100 missed events over 5 rooms',
  note:
    'CPU per client to connect and receive them, against routes of the same application that write the same bytes without ' +
    'any of this module: one `response.write` per event, or all bytes in one.',
  fleet: ownFleet('resume', 500, 200),
  columns: [
    { field: 'resume', title: 'CPU per resuming client (us)', digits: 0 },
    { field: 'connect', title: 'of it the connect, measured alone (us)', digits: 0 },
    { field: 'each', title: 'plain, a write per event (us)', digits: 0 },
    { field: 'joined', title: 'plain, one write (us)', digits: 0 },
    { field: 'ratio', title: 'resume / plain', digits: 2 },
    { field: 'joinedRatio', title: 'resume / one write', digits: 2 },
  ],
  leftOut: hasNoHistory,
  async measure(stage, { quick }) {
    const clients = quick ? 200 : 500;
    const ids = await absence(stage, {
      clients,
      path: '/rooms/five',
      rooms: ['0', '1', '2', '3', '4'],
      each: MISSED / ROOMS,
    });
    await stage.server.call('publishPaced', { room: 'plain', bytes: BYTES, count: MISSED });
    // The first pass compiles, the second counts.
    let figures;
    for (let pass = 0; pass < 2; pass++) {
      const each = await comeBack(stage, { clients, path: '/rooms/plain/each', events: MISSED });
      const joined = await comeBack(stage, { clients, path: '/rooms/plain/joined', events: MISSED });
      const fresh = await comeBack(stage, { clients, path: '/rooms/five', events: 0 });
      const resumed = await comeBack(stage, {
        clients,
        path: '/rooms/five',
        ids,
        events: MISSED,
        ordered: false,
      });
      figures = {
        resume: resumed.cpu,
        connect: fresh.cpu,
        each: each.cpu,
        joined: joined.cpu,
        ...resumed.lines,
      };
    }
    return { ...figures, ratio: figures.resume / figures.each, joinedRatio: figures.resume / figures.joined };
  },
};

const STORM_MISSED = 20;

/** @type {import('./fleets.mjs').Cell} */
export const reconnectStorm = {
  id: 'reconnect-storm',
  scenario: 'reconnect-storm',
  title: 'Reconnect storm: 10,000 clients cut at once, 20 events missed, all back with their last id',
  note: 'Every client must have received exactly the 20 events, once and in order, or the run fails.',
  fleet: ownFleet('reconnect storm', 10_000, 2_000),
  coreRounds: 1,
  columns: [
    { field: 'cpu', title: 'CPU per resuming client (us)', digits: 0 },
    { field: 'seconds', title: 'all resumed after (s)', digits: 1 },
    { field: 'heapPerClient', title: 'heap per client, before (KB)', digits: 1 },
    { field: 'heapAfter', title: 'heap per client, after (KB)', digits: 1 },
    { field: 'rssMb', title: 'resident memory after, growth (MB)', digits: 0 },
  ],
  leftOut: hasNoHistory,
  async measure(stage, { quick }) {
    const clients = quick ? 2_000 : 10_000;
    const empty = await stage.memory();
    await stage.connect({ clients, followIds: true });
    const before = await stage.memory();
    const { lastEventIds: ids } = await stage.disconnect();
    await stage.server.call('publishPaced', { room: '0', bytes: BYTES, count: STORM_MISSED });
    const { cpu, seconds } = await comeBack(stage, { clients, ids, events: STORM_MISSED, stay: true });
    const after = await stage.memory();
    const perClient = (memory) => (memory.heapUsed - empty.heapUsed) / clients / 1024;
    return {
      cpu,
      seconds,
      heapPerClient: perClient(before),
      heapAfter: perClient(after),
      rssMb: (after.rss - before.rss) / 2 ** 20,
    };
  },
};

/** Connects a fleet to learn its ids, cuts it, and publishes what it will have missed. */
async function absence(stage, { clients, path, rooms, each }) {
  await stage.connect({ clients, path, followIds: true });
  const { lastEventIds } = await stage.disconnect();
  for (const room of rooms) await stage.server.call('publishPaced', { room, bytes: BYTES, count: each });
  return lastEventIds;
}

/** Connects the fleet, waits for what it missed, and checks that each client has exactly that. */
export async function comeBack(
  stage,
  { clients, rooms, path, ids, events, ordered = true, stay = false, followIds = false },
) {
  const headers = ids?.map((id) => {
    if (!id) throw new Error('a client has received no event id to resume from');
    return `Last-Event-ID: ${id}`;
  });
  await stage.load.call('reset');
  const before = await stage.cpu();
  const startedAt = performance.now();
  const { lines } = await stage.connect({ clients, rooms, path, headers, followIds });
  await stage.load.call('awaitEvents', { total: clients * events });
  const seconds = (performance.now() - startedAt) / 1e3;
  const { total } = await stage.cpuSince(before);
  await stage.verify({ count: events, ordered });
  if (!stay) await stage.disconnect();
  return { cpu: total / clients, seconds, lines: lines && { lines } };
}
