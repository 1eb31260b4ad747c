/**
 * Measures how long the event loop pauses while a million rooms have one event each, fall silent and expire: in the memory broker,
 * and in what a node with Redis keeps of the rooms that it receives. A pause is CPU time of the main thread between two turns of
 * the event loop, since other processes may hold it up. Needs Linux. Pauses within garbage collections are listed apart: V8 decides about them.
 * Then fills a limit of bytes with rooms, and compares it with the heap that they take.
 *
 *   npm run build && node --max-old-space-size=8000 --expose-gc bench/quiet-rooms.mjs [rooms] [--only memory,redis,limit]
 */
import { readFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { importBuild } from './lib/build.mjs';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: 'memory,redis,limit' } },
});
const ROOMS = Number(positionals[0] ?? 1_000_000);
const MAX_AGE_MS = 10_000;
/** Rooms that are added or left in one turn of the event loop. */
const PER_TURN = 200;
const MB = 1024 * 1024;
const nameOf = (n) => `user/${n}`;
const ignore = () => {};

const collections = [];
const observer = new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) collections.push({ startTime, duration });
});
observer.observe({ entryTypes: ['gc'] });

/** Milliseconds of CPU time of the main thread: those of the collector run beside it. proc(5). */
const cpuMs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
const longest = (list) => Math.max(0, ...list);

/** Runs `step` in each turn of the event loop until it returns `false`, and prints the longest pauses. */
async function watch(name, step) {
  const pauses = [];
  for (let goesOn = true; goesOn;) {
    const [startTime, cpu] = [performance.now(), cpuMs()];
    goesOn = step() !== false;
    await turn();
    const wallMs = performance.now() - startTime;
    pauses.push({ startTime, wallMs, duration: Math.min(wallMs, cpuMs() - cpu) });
  }
  // The observer is called in a later turn.
  await sleep(10);
  const ofCollections = ({ startTime, wallMs }) =>
    collections
      .filter((gc) => gc.startTime >= startTime && gc.startTime < startTime + wallMs)
      .reduce((sum, gc) => sum + gc.duration, 0);
  const long = pauses
    .filter(({ duration }) => duration > 1)
    .map((pause) => ({ ...pause, gcMs: ofCollections(pause) }));
  console.log(
    `${name}: longest pause ${longest(long.map(({ duration }) => duration)).toFixed(1)} ms; ` +
      `without collections ${longest(long.map(({ duration, wallMs, gcMs }) => Math.min(duration, wallMs - gcMs))).toFixed(1)} ms; ` +
      `longest collection ${longest(long.map(({ gcMs }) => gcMs)).toFixed(1)} ms; ` +
      `over 10 ms: ${long.filter(({ duration }) => duration > 10).length}`,
  );
  collections.length = 0;
}

const inSteps = (count, visit) => {
  let n = 0;
  return () => {
    for (const end = Math.min(n + PER_TURN, count); n < end; n++) visit(n);
    return n < count;
  };
};
const forMs = (ms) => {
  const endMs = performance.now() + ms;
  return () => performance.now() < endMs;
};
const heapMb = () => {
  for (let n = 0; n < 3; n++) globalThis.gc?.();
  return process.memoryUsage().heapUsed / MB;
};

async function startBroker(maxBytes, maxAgeMs = MAX_AGE_MS) {
  const { MemoryBroker } = await importBuild();
  const limits = { maxEvents: 100, maxAgeMs };
  const broker = new MemoryBroker();
  await broker.start(
    { maxBytes, hasHistory: true, limitsOf: () => limits },
    {
      onMessage: ignore,
      onStateChange: ignore,
      onEpochChange: ignore,
      onGap: ignore,
      onControl: ignore,
      onLog: ignore,
    },
  );
  return broker;
}
const EVENT = { event: 'e', data: 'x', serialized: false };

async function memory() {
  const broker = await startBroker(8 * 1_024 * MB);
  await watch(
    'memory, filling',
    inSteps(ROOMS, (n) => void broker.publish([nameOf(n)], EVENT, {})),
  );
  await watch('memory, events and rooms expire', forMs(3 * MAX_AGE_MS + 10_000));
  await broker.close();
}

async function redis() {
  const { LocalRooms } = await importBuild('broker/redis/feed/local-rooms');
  const { RecentEvents } = await importBuild('broker/redis/history/recent-events');
  const { RoomMessage } = await importBuild('protocol/room-message');
  const limits = { maxEvents: 100, maxAgeMs: MAX_AGE_MS };
  const rooms = new LocalRooms((room) => recent.forget(room));
  const recent = new RecentEvents({ limitsOf: () => limits }, rooms, 8 * 1_024 * MB);
  const receive = (n) => {
    rooms.acquire(nameOf(n)).markSubscribed(n);
    rooms.takePending(1);
    const position = Date.now() * 1_000 + (n % 1_000);
    recent.add(
      new RoomMessage(EVENT, { rooms: [nameOf(n)], epoch: '00000000', position, replayable: true }),
      [0],
    );
  };
  await watch('redis, filling', inSteps(ROOMS, receive));
  await watch('redis, events expire', forMs(65_000));
  await watch(
    'redis, all rooms are left',
    inSteps(ROOMS, (n) => rooms.release(nameOf(n))),
  );
  await sleep(5_000);
  await watch('redis, all rooms are unsubscribed', () => rooms.takeIdle(PER_TURN).length > 0);
  recent.close();
}

/** Heap of a million rooms, while only some fit in the limit: with an event each, and once only their positions are left. */
async function limit() {
  for (const [what, name] of [
    ['short names', nameOf],
    ['names of 250 characters', (n) => nameOf(n).padEnd(250, '.')],
  ]) {
    const maxBytes = 64 * MB;
    for (const [stored, maxAgeMs] of [
      ['one event each', 600_000],
      ['quiet', 2_000],
    ]) {
      const before = heapMb();
      const broker = await startBroker(maxBytes, maxAgeMs);
      const add = inSteps(ROOMS, (n) => void broker.publish([name(n)], EVENT, {}));
      for (let goesOn = true; goesOn; await turn()) goesOn = add();
      if (stored === 'quiet') await sleep(3_200);
      const taken = heapMb() - before;
      console.log(
        `limit, ${what}, ${stored}: ${taken.toFixed(0)} MB of heap, ${(taken / (maxBytes / MB)).toFixed(2)} of the limit`,
      );
      await broker.close();
    }
  }
}

const parts = { memory, redis, limit };
for (const part of given.only.split(',')) await parts[part]();
observer.disconnect();
