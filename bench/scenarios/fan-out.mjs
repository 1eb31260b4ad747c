import { fleets, notAmongTenThousand } from './fleets.mjs';

/**
 * Events in flight per client are kept below the kernel's buffers: see `Stage.deliver`. With 10,000 clients
 * the next publish waits until all have the one before: this module spreads such a flush over several turns,
 * and two publishes that share one write would flatter it.
 */
const KERNEL_BUFFER_BYTES = 48 * 1024;

/** @returns {import('./fleets.mjs').Cell} */
function cell(id, fleet, bytes, counts) {
  return {
    id: `fan-out/${id}`,
    scenario: 'fan-out',
    title: `Paced fan-out: ${fleet.name}, ${bytes === 100 ? '100 B' : '4 KB'}, one publish per event-loop turn`,
    fleet,
    repeats: fleet === fleets.tenThousand ? 2 : 3,
    columns: [
      { field: 'cpu', title: 'server CPU per delivery (us)', digits: 2, ratio: true },
      { field: 'user', title: 'of it user space (us)', digits: 2, ratio: true },
      { field: 'perSecond', title: 'deliveries per second', digits: 0 },
    ],
    ...(fleet === fleets.tenThousand && { rounds: 1 }),
    leftOut: (peer) => (fleet === fleets.tenThousand ? notAmongTenThousand(peer) : undefined),
    async measure(stage, { quick, clients }) {
      const count = quick ? counts.quick : counts.full;
      const block = fleet === fleets.tenThousand ? 1 : Math.min(50, Math.floor(KERNEL_BUFFER_BYTES / bytes));
      const warmUp = Math.ceil(count / 4);
      await stage.deliver({ receivers: clients, bytes, count: warmUp, block });
      return stage.deliver({ receivers: clients, bytes, count, block });
    },
  };
}

export const fanOut = [
  cell('1000/100', fleets.thousand, 100, { full: 80, quick: 50 }),
  cell('1000/4096', fleets.thousand, 4_096, { full: 24, quick: 15 }),
];

export const wideFanOut = [
  cell('10000/100', fleets.tenThousand, 100, { full: 6, quick: 10 }),
  cell('10000/4096', fleets.tenThousand, 4_096, { full: 4, quick: 6 }),
];
