/**
 * The peers. Each is one module with `start(options)`. It publishes as its own documentation shows, with default
 * options.
 *
 * @typedef {object} StartOptions
 * @property {string} [redisUrl] of the server that two nodes share
 * @property {number} [heartbeatMs] an interval for the heartbeat scenario; else so long that none falls into a run
 *
 * @typedef {object} RunningPeer
 * @property {number} port
 * @property {(room: string, data: string) => unknown} publish may return a promise: publishing is then awaited
 * @property {() => number | Promise<number>} connections
 * @property {() => { user: number, system: number }} [cpuMicros] only for a server outside of this process
 * @property {() => object} [memory] the same
 * @property {(args: { rooms: string[] }) => unknown} [follow] subscribes to rooms without clients
 * @property {() => { state: string, at: number }[]} [states] of its broker, since `forgetStates`
 * @property {() => void} [forgetStates]
 * @property {() => number} [reads] how often history was read in Redis
 * @property {() => unknown} [close] ends what the process has started outside of itself
 *
 * @typedef {object} Peer
 * @property {string} id
 * @property {string} label as in the tables
 * @property {string} module
 * @property {'sse' | 'socket.io'} [protocol]
 * @property {boolean} [heartbeats] whether it has any
 * @property {boolean} [quick] takes part in a quick run
 * @property {string} [noHeartbeats] the reason to skip that scenario, for a peer with heartbeats
 * @property {boolean} [core] measured in every round; the others in as many as the cell asks for
 * @property {object} [options] fixed start options: variants of one module
 * @property {'redis'} [family] takes part in the cells of this family alone
 * @property {'external'} [kind] not a Node server: no heap to look at
 */

/** An interval longer than any run. Timers per client still exist, and count in the idle memory. */
export const NO_HEARTBEAT_MS = 600_000;

/** @type {Peer[]} */
export const peers = [
  {
    id: 'net',
    label: 'bare `net` (floor)',
    module: './net-floor.mjs',
    heartbeats: true,
    core: true,
    quick: true,
  },
  {
    id: 'http',
    label: 'bare `node:http`',
    module: './node-http.mjs',
    heartbeats: true,
    core: true,
    quick: true,
  },
  {
    id: 'express',
    label: '**this module**, Express',
    module: './this-module.mjs',
    heartbeats: true,
    core: true,
    quick: true,
    options: { platform: 'express' },
  },
  {
    id: 'sse-express',
    label: '**this module**, `SseExpressAdapter`',
    module: './this-module.mjs',
    heartbeats: true,
    core: true,
    quick: true,
    options: { platform: 'sse-express' },
  },
  {
    id: 'fastify',
    label: '**this module**, Fastify',
    module: './this-module.mjs',
    heartbeats: true,
    core: true,
    quick: true,
    options: { platform: 'fastify' },
  },
  {
    id: 'no-history',
    label: 'this module, Express, `history: false`',
    module: './this-module.mjs',
    quick: true,
    options: { platform: 'express', history: false },
  },
  {
    id: 'metrics',
    label: 'this module, Express, with metrics in prom-client',
    module: './this-module.mjs',
    quick: true,
    options: { platform: 'express', prometheus: true },
  },
  { id: 'nest-sse', label: 'Nest `@Sse()` + Subject', module: './nest-sse.mjs', quick: true },
  { id: 'better-sse', label: 'better-sse', module: './better-sse.mjs', heartbeats: true, quick: true },
  { id: 'fastify-sse', label: '@fastify/sse', module: './fastify-sse.mjs', heartbeats: true },
  { id: 'express-sse', label: 'express-sse', module: './express-sse.mjs' },
  {
    id: 'simple-sse',
    label: 'simple-sse',
    module: './simple-sse.mjs',
    noHeartbeats:
      'its timer does not start again once all clients have left, and the harness rehearses connecting',
  },
  { id: 'sse-channel', label: 'sse-channel', module: './sse-channel.mjs', heartbeats: true },
  {
    id: 'socket.io',
    label: 'Socket.IO (WebSocket)',
    module: './socket-io.mjs',
    heartbeats: true,
    protocol: 'socket.io',
  },
  {
    id: 'nchan',
    label: 'nchan (nginx, C)',
    module: './nchan.mjs',
    heartbeats: true,
    quick: true,
    kind: 'external',
  },
  redisPeer('bare-ioredis', 'bare PUBLISH, ioredis (floor)', './redis-bare.mjs', { driver: 'ioredis' }),
  redisPeer('bare-node-redis', 'bare PUBLISH, node-redis', './redis-bare.mjs', { driver: 'redis' }),
  redisPeer('redis-ioredis', '**this module**, ioredis', './redis-module.mjs', { driver: 'ioredis' }),
  redisPeer('redis-node-redis', '**this module**, node-redis', './redis-module.mjs', { driver: 'redis' }),
  redisPeer('socket.io-redis', 'Socket.IO, redis-adapter', './redis-socket-io.mjs', { adapter: 'pub-sub' }),
  redisPeer('socket.io-streams', 'Socket.IO, redis-streams-adapter', './redis-socket-io.mjs', {
    adapter: 'streams',
  }),
];

/** @returns {Peer} */
function redisPeer(id, label, module, options) {
  const protocol = id.startsWith('socket.io') ? 'socket.io' : 'sse';
  return { id, label, module, options, protocol, family: 'redis', core: true, quick: true };
}

/** The variants of the module under test. */
export const ours = [
  'express',
  'sse-express',
  'fastify',
  'no-history',
  'metrics',
  'redis-ioredis',
  'redis-node-redis',
];

/** Variants of the module for one comparison in the paced fan-out. */
export const variants = ['no-history', 'metrics'];

/** @param {string} id @returns {Promise<{ start(options: StartOptions): Promise<RunningPeer>, unavailable?(): string | undefined }>} */
export async function loadPeer(id) {
  const { module, options } = peers.find((peer) => peer.id === id);
  const { start, unavailable } = await import(module);
  return { start: (more) => start({ ...options, ...more }), unavailable };
}
