/**
 * Measures what an idle client keeps in an application as it is deployed (peers/realistic.mjs), beside a server by hand and the
 * peers: heap and resident memory after a full collection, and by `--classes` the objects in a heap snapshot, by name and size.
 * Each subject is a process of its own, one after the other.
 *
 *   npm run build && node bench/idle.mjs [clients] [--headers] [--only <text>] [--classes]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { answerCommands, ChildProcess } from './lib/rpc.mjs';
import { openStreams } from './load/browser.mjs';
import { startRealistic, SUBJECTS } from './peers/realistic.mjs';
import { heapByOwner } from './server/heap-snapshot.mjs';
import { memory } from './server/usage.mjs';

const FILE = new URL(import.meta.url);
/** Objects of fewer bytes for each client are not listed. */
const LISTED_BYTES = 16;

function serve() {
  let running;
  answerCommands({
    async start(subject) {
      running = await startRealistic(subject);
      return running.port;
    },
    connections: () => running.connections(),
    memory,
    heapByOwner,
  });
}

/** Connects a fleet, and takes it away: the next one finds what a process keeps anyway. */
async function rehearse(process, port, clients) {
  for (const { socket } of await openStreams({ port, clients })) socket.destroy();
  while ((await process.call('connections')) > 0) await sleep(10);
}

async function measureOne(name, subject, { clients, classes }) {
  const process = new ChildProcess(name, FILE, { execArgv: ['--expose-gc'], env: { BENCH_ROLE: 'server' } });
  const port = await process.call('start', subject);
  await rehearse(process, port, 300);
  const read = classes ? 'heapByOwner' : 'memory';
  const before = await process.call(read);
  const streams = await openStreams({ port, clients });
  const now = await process.call(read);
  for (const { socket } of streams) socket.destroy();
  await process.stop();
  return { before, now };
}

function printClasses(name, { before, now }, clients) {
  const kept = Object.entries(now)
    .map(([constructor, { count, bytes }]) => ({
      constructor,
      count: (count - (before[constructor]?.count ?? 0)) / clients,
      bytes: (bytes - (before[constructor]?.bytes ?? 0)) / clients,
    }))
    .toSorted((a, b) => b.bytes - a.bytes);
  const all = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`\n${name}: ${all.toFixed(0)} bytes for each client`);
  for (const { constructor, count, bytes } of kept)
    if (bytes >= LISTED_BYTES)
      console.log(`${bytes.toFixed(0).padStart(6)} bytes in ${count.toFixed(2).padStart(6)} ${constructor}`);
}

async function measure() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      headers: { type: 'boolean', default: false },
      classes: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  });
  const { headers, classes } = values;
  const clients = Number(positionals[0] ?? (classes ? 500 : 4_000));
  let floor;
  for (const [name, subject] of Object.entries(SUBJECTS)) {
    if (!name.includes(values.only)) continue;
    const kept = await measureOne(name, { ...subject, headers }, { clients, classes });
    if (classes) {
      printClasses(name, kept, clients);
      continue;
    }
    const [heap, resident] = ['heapUsed', 'rss'].map(
      (field) => (kept.now[field] - kept.before[field]) / clients,
    );
    floor ??= { heap, resident };
    console.log(
      `${name.padEnd(34)} heap ${(heap / 1024).toFixed(2)} KB (${(heap / floor.heap).toFixed(2)}), ` +
        `resident ${(resident / 1024).toFixed(1)} KB (${(resident / floor.resident).toFixed(2)})`,
    );
  }
}

await (process.env.BENCH_ROLE === 'server' ? serve() : measure());
