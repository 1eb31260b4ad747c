import { fleets, notAmongTenThousand } from './fleets.mjs';

/** The last cell of its fleet: it takes the connections away. @type {import('./fleets.mjs').Cell} */
export const connections = {
  id: 'connections',
  scenario: 'connections',
  title: 'Connecting 10,000 clients, and all of them leaving at once',
  note: 'The stall is the longest time the event loop was held while they left.',
  fleet: fleets.tenThousand,
  rounds: 1,
  columns: [
    { field: 'connectCpu', title: 'CPU per connect (us)', digits: 0 },
    { field: 'connectsPerSecond', title: 'connects per second', digits: 0 },
    { field: 'leaveCpu', title: 'CPU per leave (us)', digits: 0 },
    { field: 'leaveMs', title: 'all gone after (ms)', digits: 0 },
    { field: 'stallMs', title: 'longest stall (ms)', digits: 0 },
  ],
  leftOut: notAmongTenThousand,
  async measure(stage) {
    const { perSecond, cpuPerClient, lines } = stage.connected;
    const left = await stage.disconnect();
    return {
      connectCpu: cpuPerClient,
      connectsPerSecond: perSecond,
      ...(lines && { lines }),
      leaveCpu: left.cpuPerClient,
      leaveMs: left.millis,
      ...(stage.peer.kind !== 'external' && { stallMs: left.stallMs }),
    };
  },
};
