/**
 * The targets, as ratios within one run. Each ratio is taken measurement by measurement and then the
 * median, so that a slow minute of the machine cancels out. Only for the user-space share the means are
 * compared: the kernel counts it in ticks of some milliseconds, so that a single figure is coarse.
 */
import { mean, median } from '../lib/statistics.mjs';

const MINE = ['express', 'sse-express', 'fastify'];
const MINE_WITH_REDIS = ['redis-ioredis', 'redis-node-redis'];

/**
 * @typedef {{ what: string, limit: string, cell: string, field: string, against?: string | Record<string, string>, mine?: string[] }} Target
 * `limit`: an operator and a number; without `against` the field itself is the ratio; `against` for each variant, or for all
 */

const paced = (cell, label) => ({
  what: `paced fan-out (${label}), CPU per delivery, against the bare \`net\` floor`,
  limit: '<= 1.15',
  cell: `fan-out/${cell}`,
  field: 'cpu',
  against: 'net',
});
const against = (peer, limit) => ({
  what: `paced fan-out (1,000 × 100 B), CPU per delivery, against ${peer}`,
  limit,
  cell: 'fan-out/1000/100',
  field: 'cpu',
  against: peer,
});
const heap = (peer, limit, mine) => ({
  what: `heap per idle connection, against ${peer}`,
  limit,
  cell: 'idle-memory',
  field: 'heap',
  against: peer,
  mine,
});

/** @type {Target[]} */
export const targets = [
  paced('1000/100', '1,000 × 100 B'),
  paced('1000/4096', '1,000 × 4 KB'),
  paced('10000/100', '10,000 × 100 B'),
  paced('10000/4096', '10,000 × 4 KB'),
  against('nest-sse', '<= 0.40'),
  against('better-sse', '<= 0.60'),
  against('nchan', '< 1'),
  {
    what: 'user-space CPU per delivery (1,000 × 100 B), against the floor',
    limit: '<= 1.6',
    cell: 'fan-out/1000/100',
    field: 'user',
    against: 'net',
  },
  {
    what: 'burst of 300, CPU per delivery, against better-sse',
    limit: '<= 0.10',
    cell: 'burst',
    field: 'cpu',
    against: 'better-sse',
  },
  heap('http', '<= 1.3', ['fastify']),
  heap('http', '<= 2', ['express', 'sse-express']),
  heap('nest-sse', '< 0.6'),
  {
    what: 'publish to a room of 10 among 10,000 clients, against the room alone',
    limit: '<= 1.3',
    cell: 'many-rooms',
    field: 'ratio',
  },
  {
    what: '10 % stalled clients: throughput of the rest, against none stalled',
    limit: '>= 0.9',
    cell: 'slow-clients',
    field: 'ratio',
  },
  {
    what: 'ids and history: CPU per delivery, against `history: false`',
    limit: '<= 1.1',
    cell: 'fan-out/1000/100',
    field: 'cpu',
    against: 'no-history',
    mine: ['express'],
  },
  {
    what: 'without metrics: CPU per delivery, against with metrics in prom-client (0.97: they cost 3 %)',
    limit: '>= 0.97',
    cell: 'fan-out/1000/100',
    field: 'cpu',
    against: 'metrics',
    mine: ['express'],
  },
  {
    what: 'resume of 100 missed events over 5 rooms, CPU, against writing the same bytes plainly',
    limit: '<= 2',
    cell: 'resume',
    field: 'ratio',
  },
  {
    what: 'Redis CPU per publish with 10,000 subscribed rooms, against 10',
    limit: '<= 1.3',
    cell: 'redis-cpu',
    field: 'ratio',
    mine: MINE_WITH_REDIS,
  },
  {
    what: 'publish to delivery through Redis, p50, against a bare PUBLISH and SUBSCRIBE over the same library',
    limit: '<= 2',
    cell: 'redis-latency',
    field: 'p50',
    against: { 'redis-ioredis': 'bare-ioredis', 'redis-node-redis': 'bare-node-redis' },
    mine: MINE_WITH_REDIS,
  },
  {
    what: '10,000 rooms subscribed again, seconds after Redis is back',
    limit: '<= 1',
    cell: 'redis-resubscribe',
    field: 'backSeconds',
    mine: MINE_WITH_REDIS,
  },
  {
    what: 'resumes after a subscriber cut without a read in Redis, share',
    limit: '>= 0.6',
    cell: 'redis-storm',
    field: 'spared',
    mine: MINE_WITH_REDIS,
  },
];

/**
 * @param {Target} target
 * @param {import('../lib/rounds.mjs').Results} results
 * @returns {Record<string, { ratio: number, passed: boolean }>} by variant of ours; empty when it was not measured
 */
export function judge({ limit, cell, field, against: other, mine = MINE }, results) {
  const rounds = (peer) => results[cell]?.[peer]?.rounds ?? [];
  const verdicts = {};
  for (const variant of mine) {
    const peer = typeof other === 'object' ? other[variant] : other;
    const ratios = rounds(variant).map((round, index) =>
      peer ? round[field] / rounds(peer)[index]?.[field] : round[field],
    );
    const usable = ratios.filter(Number.isFinite);
    if (usable.length === 0) continue;
    const ratio =
      field === 'user' ? meanOf(rounds(variant), field) / meanOf(rounds(peer), field) : median(usable);
    verdicts[variant] = { ratio, passed: holds(ratio, limit) };
  }
  return verdicts;
}

const meanOf = (measurements, field) => mean(measurements.map((measurement) => measurement[field]));

function holds(value, limit) {
  const [operator, bound] = limit.split(' ');
  if (operator === '<=') return value <= Number(bound);
  if (operator === '<') return value < Number(bound);
  return value >= Number(bound);
}
