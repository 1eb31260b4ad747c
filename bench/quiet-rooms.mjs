/**
 * Measures how long the event loop pauses while a million rooms that had one event and fell silent expire in the memory broker,
 * within its byte limit. Pauses of garbage collections are listed apart: V8 decides about them.
 *
 *   npm run build && node bench/quiet-rooms.mjs [rooms]
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { importBuild } from './lib/build.mjs';

const ROOMS = Number(process.argv[2] ?? 1_000_000);
const MAX_AGE_MS = 4_000;
const MB = 1024 * 1024;

const { MemoryBroker } = await importBuild();
const limits = { maxEvents: 100, maxAgeMs: MAX_AGE_MS };
const policy = { maxBytes: 8 * 1_024 * MB, hasHistory: true, limitsOf: () => limits };
const broker = new MemoryBroker();
const ignore = () => {};
await broker.start(policy, {
  onMessage: ignore,
  onStateChange: ignore,
  onEpochChange: ignore,
  onGap: ignore,
  onControl: ignore,
  onLog: ignore,
});

const collections = [];
const observer = new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) collections.push({ startTime, duration });
});
observer.observe({ entryTypes: ['gc'] });

for (let n = 0; n < ROOMS; n++) {
  await broker.publish(['user/' + n], { event: 'e', data: 'x', serialized: false }, {});
  if (n % 10_000 === 0) await turn();
}
const filled = process.memoryUsage().heapUsed;
const pauses = [];
const endMs = performance.now() + 3 * MAX_AGE_MS + 5_000;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
let last = { startTime: performance.now(), cpu: cpuMs() };
while (performance.now() < endMs) {
  await turn();
  const now = { startTime: performance.now(), cpu: cpuMs() };
  // Other processes of the machine may hold this one up: a pause is no longer than its CPU time.
  const duration = Math.min(now.startTime - last.startTime, now.cpu - last.cpu);
  if (duration > 5)
    pauses.push({ startTime: last.startTime, wallMs: now.startTime - last.startTime, duration });
  last = now;
}
await sleep(0);
observer.disconnect();
globalThis.gc?.();
const inGc = ({ startTime, wallMs }) =>
  collections
    .filter((gc) => gc.startTime >= startTime && gc.startTime < startTime + wallMs)
    .reduce((sum, gc) => sum + gc.duration, 0);
const longest = (list) => Math.max(0, ...list).toFixed(1);
console.log(
  `${ROOMS.toLocaleString('en')} rooms, ${(filled / MB).toFixed(0)} MB of heap; ${(process.memoryUsage().heapUsed / MB).toFixed(0)} MB once they have expired`,
);
console.log(
  `longest pause ${longest(pauses.map(({ duration }) => duration))} ms; without collections ${longest(pauses.map((pause) => Math.min(pause.duration, pause.wallMs - inGc(pause))))} ms`,
);
await broker.close();
