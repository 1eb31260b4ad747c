import { ownFleet } from './fleets.mjs';

const RUN_FOR = new Set(['http', 'express', 'fastify', 'nest-sse']);

/** Nest's request chain and RxJS first, then what a Node server has anyway. */
const NAMES = [
  'ExecutionContextHost',
  'Observable',
  'Subscriber',
  'SafeSubscriber',
  'OperatorSubscriber',
  'Subscription',
  'Promise',
  'AbortController',
  'IncomingMessage',
  'ServerResponse',
  'Socket',
];

/** @type {import('./fleets.mjs').Cell} */
export const retainedObjects = {
  id: 'retained-objects',
  scenario: 'retained-objects',
  title: 'Objects kept per idle connection (heap snapshot, 1,000 connections)',
  note: 'Live objects of each constructor, less those before the first connection, per connection.',
  fleet: ownFleet('heap snapshot', 1_000, 500),
  rounds: 1,
  coreRounds: 1,
  columns: NAMES.map((name) => ({ field: name, title: `\`${name}\``, digits: 2 })),
  leftOut: (peer) =>
    RUN_FOR.has(peer.id) ? undefined : 'only Nest, this module, and `node:http` to compare with',
  async measure(stage, { quick }) {
    const clients = quick ? 500 : 1_000;
    const before = await stage.server.call('heapByConstructor');
    await stage.connect({ clients });
    const now = await stage.server.call('heapByConstructor');
    const growth = (name, field) => ((now[name]?.[field] ?? 0) - (before[name]?.[field] ?? 0)) / clients;
    const counts = NAMES.map((name) => [name, Math.max(0, growth(name, 'count'))]);
    return { ...Object.fromEntries(counts), lines: largest(Object.keys(now), growth) };
  },
};

/** The twelve constructors that take most bytes per connection: printed by partial runs, to see what to save. */
function largest(names, growth) {
  return names
    .map((name) => ({ name, count: growth(name, 'count'), bytes: growth(name, 'bytes') }))
    .filter(({ bytes }) => bytes >= 8)
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, 12)
    .map(
      ({ name, count, bytes }) =>
        `${bytes.toFixed(0).padStart(6)} B in ${count.toFixed(2).padStart(6)} ${name}`,
    );
}
