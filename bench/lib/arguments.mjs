import { parseArgs } from 'node:util';
import { peers } from '../peers/index.mjs';
import { cells } from '../scenarios/index.mjs';

export const USAGE = `node bench/run.mjs [options]
  --quick              small counts, one round, the main peers: a look in a minute or two
  --only a,b           scenarios: ${[...new Set(cells.map((cell) => cell.scenario))].join(', ')};
                       or redis for all that need it
  --peers a,b          peers: ${peers.map((peer) => peer.id).join(', ')}
  --rounds n           rounds (default 3, with --quick 1)
  --heap-snapshot      with --quick: count retained objects too
  --cpu-prof folder    a CPU profile of each delivery measurement, and its top functions
A run with --quick, --only or --peers prints its tables and leaves README.md and results/latest.json alone.`;

/** @param {string[]} argv */
export function readArguments(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      'heap-snapshot': { type: 'boolean', default: false },
      'cpu-prof': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const only = namesOf(
    values.only,
    cells.flatMap((cell) => (cell.family ? [cell.scenario, cell.family] : [cell.scenario])),
    '--only',
  );
  const chosen = namesOf(
    values.peers,
    peers.map((peer) => peer.id),
    '--peers',
  );
  const rounds = values.rounds === undefined ? (values.quick ? 1 : 3) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1');
  const snapshot = values['heap-snapshot'];
  return {
    help: values.help,
    quick: values.quick,
    rounds,
    profileFolder: values['cpu-prof'],
    /** Only a whole run may replace the published figures. */
    isComplete: !values.quick && !only && !chosen && !values['cpu-prof'],
    peers: peers.filter((peer) => (chosen ? chosen.has(peer.id) : peer.quick || !values.quick)),
    cells: cells.filter((cell) => {
      if (only) return only.has(cell.scenario) || only.has(cell.family);
      return cell.scenario !== 'retained-objects' || !values.quick || snapshot;
    }),
  };
}

function namesOf(list, known, option) {
  if (list === undefined) return undefined;
  const names = new Set(list.split(','));
  for (const name of names) {
    if (!known.includes(name))
      throw new Error(`${option}: unknown "${name}". Known: ${[...new Set(known)].join(', ')}`);
  }
  return names;
}
