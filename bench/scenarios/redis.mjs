/**
 * Two nodes that share one Redis: costs of the path through Redis, and effects of a cut. Each peer has a
 * redis-server of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMicros } from '../lib/clock.mjs';
import { comeBack } from './resume.mjs';

const BYTES = 100;
const ours = (peer) => (peer.id.startsWith('redis-') ? undefined : 'resumes nothing, or has no such state');

/** @returns {import('./fleets.mjs').Fleet} */
const twoNodes = (name, full, quick) => ({
  name: `two nodes, ${name}`,
  clients: () => 0,
  peak: (isQuick) => (isQuick ? quick : full),
  together: 'all',
  redis: true,
});

const traffic = twoNodes('traffic', 250, 60);
const cell = { family: 'redis', floor: 'bare-ioredis', leftOut: () => undefined };

/** @type {import('./fleets.mjs').Cell} */
const latency = {
  ...cell,
  id: 'redis-latency',
  scenario: 'redis-latency',
  title: 'Through Redis: from a publish at one node to a client of another, 100 events a second',
  note: 'Open loop, 10 clients, 100 B. The floor is a bare PUBLISH and SUBSCRIBE over the same library, and bare sockets.',
  fleet: traffic,
  repeats: 2,
  columns: [
    { field: 'p50', title: 'p50 (ms)', digits: 2, ratio: true },
    { field: 'p99', title: 'p99 (ms)', digits: 2 },
    { field: 'p999', title: 'p99.9 (ms)', digits: 2 },
  ],
  async measure(stage, { quick }) {
    const clients = 10;
    await stage.connect({ clients });
    const run = { publish: 'publishAtRate', receivers: clients, bytes: BYTES, perSecond: 100 };
    await stage.deliver({ ...run, count: 30 });
    await stage.deliver({ ...run, count: quick ? 100 : 200, latency: true });
    const { p50, p99, p999 } = await stage.load.call('latency');
    await stage.disconnect();
    return { p50, p99, p999 };
  },
};

/** @type {import('./fleets.mjs').Cell} */
const deliveries = {
  ...cell,
  id: 'redis-deliveries',
  scenario: 'redis-deliveries',
  title: 'Through Redis: 200 clients of one room at one node, published at another as fast as it is accepted',
  note: '32 publishes under way at a time, 100 B. Node and Redis CPU are those of the node with the clients and of its Redis.',
  fleet: traffic,
  columns: [
    { field: 'perSecond', title: 'deliveries per second', digits: 0 },
    { field: 'cpu', title: 'node CPU per delivery (us)', digits: 2, ratio: true },
    { field: 'redisCpu', title: 'Redis CPU per publish (us)', digits: 1, ratio: true },
  ],
  async measure(stage, { quick }) {
    const clients = quick ? 50 : 200;
    await stage.connect({ clients });
    const run = { publish: 'publishWindowed', receivers: clients, bytes: BYTES };
    await stage.deliver({ ...run, count: 300 });
    const count = quick ? 600 : 1_500;
    const before = await stage.redis.cpuMicros();
    const { perSecond, cpu } = await stage.deliver({ ...run, count, block: 300 });
    const redisCpu = ((await stage.redis.cpuMicros()) - before) / count;
    await stage.disconnect();
    return { perSecond, cpu, redisCpu };
  },
};

const TEN = 10;

/** @type {import('./fleets.mjs').Cell} */
const redisCpu = {
  ...cell,
  id: 'redis-cpu',
  scenario: 'redis-cpu',
  title: 'Redis CPU per publish, by how many rooms another node has subscribed',
  note:
    'Published to the same ten rooms each time, so that only the number of subscriptions differs; and once to all of the ' +
    '10,000 in turn. In microseconds of user and system time (`INFO cpu`).',
  fleet: twoNodes('rooms', 50, 50),
  columns: [
    { field: 'ten', title: '10 rooms (us)', digits: 1, ratio: true },
    { field: 'thousand', title: '1,000 (us)', digits: 1 },
    { field: 'tenThousand', title: '10,000 (us)', digits: 1 },
    { field: 'spread', title: '10,000, to all of them (us)', digits: 1 },
    { field: 'ratio', title: '10,000 / 10', digits: 2 },
  ],
  async measure(stage, { quick }) {
    const count = quick ? 1_000 : 3_000;
    const rooms = Array.from({ length: quick ? 2_000 : 10_000 }, (_, n) => `room ${n}`);
    const ten = rooms.slice(0, TEN);
    const figures = {};
    let followed = 0;
    for (const [field, until] of [
      ['ten', TEN],
      ['thousand', rooms.length / TEN],
      ['tenThousand', rooms.length],
    ]) {
      await stage.follow(rooms.slice(followed, until));
      followed = until;
      await stage.redisCpuPerPublish({ rooms: ten, bytes: BYTES, count });
      figures[field] = await stage.redisCpuPerPublish({ rooms: ten, bytes: BYTES, count });
    }
    // The first pass makes the streams.
    await stage.redisCpuPerPublish({ rooms, bytes: BYTES, count: rooms.length });
    const spread = await stage.redisCpuPerPublish({ rooms, bytes: BYTES, count: rooms.length });
    return { ...figures, spread, ratio: figures.tenThousand / figures.ten };
  },
};

const OUTAGE_MS = 300;

/** @type {import('./fleets.mjs').Cell} */
const resubscribe = {
  ...cell,
  id: 'redis-resubscribe',
  scenario: 'redis-resubscribe',
  title: 'A node with 10,000 rooms is cut from Redis, and live again',
  note: `Once its subscribing connection is cut; once Redis is killed and comes back ${OUTAGE_MS} ms later, with nothing in it.`,
  fleet: twoNodes('10,000 rooms', 50, 50),
  leftOut: ours,
  columns: [
    { field: 'cutSeconds', title: 'after the cut (s)', digits: 3 },
    { field: 'backSeconds', title: 'after Redis is back (s)', digits: 3 },
  ],
  async measure(stage, { quick }) {
    const rooms = Array.from({ length: quick ? 2_000 : 10_000 }, (_, n) => `room ${n}`);
    await stage.follow(rooms);
    const cutAt = await stage.cutSubscribers();
    const cutSeconds = ((await stage.liveAgain()) - cutAt) / 1e6;
    await stage.server.call('ask', { what: 'forgetStates' });
    await stage.redis.kill();
    await sleep(OUTAGE_MS);
    await stage.redis.launch();
    const backAt = nowMicros();
    const backSeconds = Math.max(0, ((await stage.liveAgain()) - backAt) / 1e6);
    return { cutSeconds, backSeconds };
  },
};

const STORM_ROOMS = 50;
const MISSED = 5;

/** @type {import('./fleets.mjs').Cell} */
const storm = {
  ...cell,
  id: 'redis-storm',
  scenario: 'redis-storm',
  title:
    "Resume storm: 2,000 clients in 50 rooms and their node's subscriber cut at once, 5 events missed by each",
  note:
    'First all come back to their node; then they are cut again, and come back to the other one, which receives none of ' +
    'their rooms. Every client must have received exactly what it missed, once, in order and without `sse:gap`, or the run ' +
    'fails. Reads are counted at the driver port, with those of the node itself.',
  fleet: twoNodes('storm', 2_000, 300),
  leftOut: ours,
  columns: [
    { field: 'spared', title: 'resumes without a read in Redis', digits: 3 },
    { field: 'seconds', title: 'all resumed after (s)', digits: 2 },
    { field: 'cpu', title: 'node CPU per resume (us)', digits: 0 },
    { field: 'otherReads', title: 'reads per resume, other node', digits: 3 },
    { field: 'otherSeconds', title: 'all resumed there after (s)', digits: 2 },
    { field: 'otherCpu', title: 'node CPU per resume there (us)', digits: 0 },
  ],
  async measure(stage, { quick }) {
    const clients = quick ? 300 : 2_000;
    const rooms = Array.from({ length: STORM_ROOMS }, (_, n) => String(n));
    const miss = async () => {
      for (const room of rooms) {
        await stage.publisher.call('publishWindowed', { rooms: [room], bytes: BYTES, count: MISSED });
      }
    };
    const back = { clients, rooms: STORM_ROOMS, events: MISSED, followIds: true, stay: true };
    await stage.connect({ clients, rooms: STORM_ROOMS, followIds: true });
    await miss();
    await stage.load.call('awaitEvents', { total: clients * MISSED });

    const reads = await stage.reads();
    await stage.cutSubscribers();
    const first = await stage.disconnect();
    await miss();
    await stage.liveAgain();
    const own = await comeBack(stage, { ...back, ids: first.lastEventIds });
    const spared = 1 - ((await stage.reads()) - reads) / clients;

    const second = await stage.disconnect();
    stage.swapNodes();
    await miss();
    const otherReads = await stage.reads();
    const other = await comeBack(stage, { ...back, ids: second.lastEventIds });
    return {
      spared,
      seconds: own.seconds,
      cpu: own.cpu,
      otherReads: ((await stage.reads()) - otherReads) / clients,
      otherSeconds: other.seconds,
      otherCpu: other.cpu,
    };
  },
};

export const redisCells = [latency, deliveries, redisCpu, resubscribe, storm];
