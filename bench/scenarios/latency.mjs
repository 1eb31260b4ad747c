import { fleets, notAVariant } from './fleets.mjs';

/** 20 events a second to 1,000 clients are 20,000 deliveries a second: less than one core for every peer. */
const PER_SECOND = 20;

/** @type {import('./fleets.mjs').Cell} */
export const latency = {
  id: 'latency',
  scenario: 'latency',
  title: 'Latency: 20 events a second to 1,000 clients, open loop',
  note: 'From the time an event was due to its receipt, over all clients: a publisher that is held up counts as late.',
  fleet: fleets.thousand,
  rounds: 1,
  columns: [
    { field: 'p50', title: 'p50 (ms)', digits: 1, ratio: true },
    { field: 'p99', title: 'p99 (ms)', digits: 1 },
    { field: 'p999', title: 'p99.9 (ms)', digits: 1 },
  ],
  leftOut: notAVariant,
  async measure(stage, { quick, clients }) {
    const count = quick ? 20 : 40;
    const rate = { publish: 'publishAtRate', receivers: clients, bytes: 100, perSecond: PER_SECOND };
    const { cpu } = await stage.deliver({ ...rate, count, latency: true });
    return { cpu, ...(await stage.load.call('latency')) };
  },
};
