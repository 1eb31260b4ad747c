import { variants } from '../peers/index.mjs';

/**
 * Cells with the same fleet share one server and one set of connections: connecting 10,000 clients takes
 * longer than most measurements. A round opens each fleet once per peer.
 *
 * @typedef {object} Fleet
 * @property {string} name
 * @property {(quick: boolean) => number} clients connected to room 0 before the first cell; 0: the cell does it
 * @property {(quick: boolean) => number} [peak] the most connections at a time, when cells connect
 * @property {object} [options] start options of the peer
 * @property {boolean} [redis] two nodes and a redis-server for each peer
 * @property {'all' | 'core'} [together] peers whose servers run at the same time, so that their measurements can take turns
 *
 * @typedef {object} Column
 * @property {string} field of what `measure` returns
 * @property {string} title
 * @property {number} [digits]
 * @property {boolean} [ratio] adds a column: times the floor
 *
 * @typedef {object} Cell
 * @property {string} id
 * @property {string} scenario the name for `--only`
 * @property {string} title
 * @property {'redis'} [family] of peers that take part; the others without one
 * @property {string} [floor] the peer that is the floor; `net` by default
 * @property {Fleet} fleet
 * @property {Column[]} columns
 * @property {(peer: import('../peers/index.mjs').Peer) => string | undefined} leftOut the reason, if it does not run this peer
 * @property {(stage: import('../lib/stage.mjs').Stage, setting: { quick: boolean, clients: number }) => Promise<object>} measure
 * @property {number} [repeats] measurements per round, in turn with the peers that run at the same time; 1 by default
 * @property {number} [rounds] fewer than the run's
 * @property {number} [coreRounds] the same for the floor, `node:http` and this module, whose ratios are promised
 * @property {string} [note] how to read the table
 */

const size = (full, quick) => (isQuick) => (isQuick ? quick : full);

/** @type {Record<string, Fleet>} */
export const fleets = {
  thousand: { name: '1,000 clients', clients: size(1_000, 300), together: 'all' },
  tenThousand: { name: '10,000 clients', clients: size(10_000, 2_000), together: 'core' },
};

/** @param {string} name @param {number} full @param {number} quick @param {object} [options] @returns {Fleet} */
export function ownFleet(name, full, quick, options) {
  return { name, clients: size(0, 0), peak: size(full, quick), options };
}

/** express-sse sends its initial data to everyone at each connect. */
export function notAmongTenThousand(peer) {
  if (peer.id === 'express-sse')
    return 'a connect costs it work for every client already there: 10,000 take minutes';
  return notAVariant(peer);
}

/** Variants are there for one comparison. */
export function notAVariant(peer) {
  return variants.includes(peer.id) ? 'a variant of this module, for the paced fan-out only' : undefined;
}
