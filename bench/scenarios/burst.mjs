import { fleets, notAVariant } from './fleets.mjs';

const PUBLISHES = 300;

/** @type {import('./fleets.mjs').Cell} */
export const burst = {
  id: 'burst',
  scenario: 'burst',
  title: 'Burst: 300 publishes of 100 B in one event-loop turn, 1,000 clients',
  fleet: fleets.thousand,
  rounds: 2,
  columns: [
    { field: 'cpu', title: 'server CPU per delivery (us)', digits: 2, ratio: true },
    { field: 'perSecond', title: 'deliveries per second', digits: 0 },
  ],
  leftOut: notAVariant,
  measure: (stage, { clients }) =>
    stage.deliver({ publish: 'publishBurst', receivers: clients, bytes: 100, count: PUBLISHES }),
};
