/**
 * Measures the peak of resident memory while events of 1 MB are sent to 1,000 clients that read, in an application as it is
 * deployed (peers/realistic.mjs): a server that shares one copy of an event grows by a few of them, one that makes a copy for
 * each client by hundreds. Each subject is a process of its own, one after the other. Needs Linux, which counts the peak.
 *
 *   npm run build && node bench/large-events.mjs [clients] [--bytes <of an event>] [--only <text>]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { answerCommands, ChildProcess } from './lib/rpc.mjs';
import { openStreams } from './load/browser.mjs';
import { startRealistic, SUBJECTS } from './peers/realistic.mjs';
import { cpuMicros, memory } from './server/usage.mjs';

const FILE = new URL(import.meta.url);
const EVENTS = 3;
const MB = 1024 * 1024;

/** Highest resident memory of this process since `resetPeak`, in bytes. */
const peak = () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;

function serve() {
  let running;
  answerCommands({
    async start(subject) {
      running = await startRealistic(subject);
      return running.port;
    },
    memory,
    // proc(5): "5" resets the peak.
    resetPeak: () => writeFileSync('/proc/self/clear_refs', '5'),
    peak,
    cpu: cpuMicros,
    publish: ({ bytes }) => void running.publish('x'.repeat(bytes)),
  });
}

async function measureOne(name, subject, { clients, bytes }) {
  const process = new ChildProcess(name, FILE, { execArgv: ['--expose-gc'], env: { BENCH_ROLE: 'server' } });
  const port = await process.call('start', subject);
  const sockets = (await openStreams({ port, clients })).map(({ socket }) => socket);
  await process.call('publish', { bytes: 1_000 });
  await sleep(500);
  const { rss } = await process.call('memory');
  await process.call('resetPeak');
  const before = await process.call('cpu');
  for (let n = 0; n < EVENTS; n++) {
    const due = sockets.map((socket) => socket.bytesRead + bytes);
    await process.call('publish', { bytes });
    while (sockets.some((socket, index) => socket.bytesRead < due[index])) {
      if (sockets.some((socket) => socket.destroyed)) throw new Error(`${name} has cut a client that reads`);
      await sleep(10);
    }
  }
  const after = await process.call('cpu');
  const grown = (await process.call('peak')) - rss;
  for (const socket of sockets) socket.destroy();
  await process.stop();
  const cpu = (after.user - before.user + after.system - before.system) / EVENTS / clients;
  return { grown, cpu };
}

async function measure() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { bytes: { type: 'string', default: String(MB) }, only: { type: 'string', default: '' } },
  });
  const clients = Number(positionals[0] ?? 1_000);
  const bytes = Number(values.bytes);
  for (const [name, subject] of Object.entries(SUBJECTS)) {
    if (!name.includes(values.only)) continue;
    const { grown, cpu } = await measureOne(name, subject, { clients, bytes });
    console.log(
      `${name.padEnd(34)} peak + ${(grown / MB).toFixed(0).padStart(5)} MB (${(grown / bytes).toFixed(1)} events), ` +
        `${cpu.toFixed(0)} us of CPU for each delivery`,
    );
  }
}

await (process.env.BENCH_ROLE === 'server' ? serve() : measure());
