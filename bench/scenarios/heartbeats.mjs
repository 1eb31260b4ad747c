import { setTimeout as sleep } from 'node:timers/promises';
import { notAVariant, ownFleet } from './fleets.mjs';

const INTERVAL_MS = 1_000;

/** @type {import('./fleets.mjs').Cell} */
export const heartbeats = {
  id: 'heartbeats',
  scenario: 'heartbeats',
  title: 'Heartbeats: 10,000 idle clients, one a second',
  note: 'The stall is the longest time the event loop was held; a heartbeat is counted as one read of the client. CPU includes all that an idle server does.',
  fleet: ownFleet('heartbeats', 10_000, 2_000, { heartbeatMs: INTERVAL_MS }),
  columns: [
    { field: 'cpu', title: 'server CPU per heartbeat (us)', digits: 2, ratio: true },
    { field: 'perClient', title: 'heartbeats per client and interval', digits: 2 },
    { field: 'stallMs', title: 'longest stall (ms)', digits: 1 },
  ],
  rounds: 1,
  coreRounds: 1,
  leftOut: (peer) =>
    notAVariant(peer) ?? (peer.heartbeats ? undefined : (peer.noHeartbeats ?? 'has no heartbeats')),
  async measure(stage, { quick }) {
    const clients = quick ? 2_000 : 10_000;
    const intervals = quick ? 2 : 3;
    await stage.connect({ clients });
    await stage.memory(); // collects the garbage of connecting
    await sleep(2 * INTERVAL_MS); // compiles the path; and the first round may skip new clients
    await stage.load.call('reset');
    const before = await stage.cpu();
    await sleep(INTERVAL_MS * intervals);
    const { total } = await stage.cpuSince(before);
    const { reads } = await stage.load.call('summary', {});
    if (reads === 0) throw new Error('no heartbeat arrived');
    // In a round of its own: watching the event loop wakes the process more often than the heartbeats do.
    await stage.server.call('lagStart');
    await sleep(INTERVAL_MS);
    const { maxMs } = await stage.server.call('lagStop');
    return {
      cpu: total / reads,
      perClient: reads / clients / intervals,
      ...(stage.peer.kind !== 'external' && { stallMs: maxMs }),
    };
  },
};
