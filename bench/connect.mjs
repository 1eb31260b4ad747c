/**
 * Measures CPU time of the server per connect in an application as it is deployed (peers/realistic.mjs), beside Nest's own
 * `@Sse()`, better-sse and a server by hand. Each subject is a process of its own; in each round all of them take turns in a
 * random sequence, with connects without and with a `Last-Event-ID` after which nothing was missed. Prints medians, and ratios
 * within a round.
 *
 *   npm run build && node bench/connect.mjs [rounds] [--headers] [--only <text>] [--cpu-prof <folder>]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { answerCommands, ChildProcess } from './lib/rpc.mjs';
import { median } from './lib/statistics.mjs';
import { openStream, openStreams } from './load/browser.mjs';
import { startRealistic, SUBJECTS } from './peers/realistic.mjs';
import { CpuProfile } from './server/cpu-profile.mjs';
import { cpuMicros } from './server/usage.mjs';

const CLIENTS = 400;
const WARM_UP = 5;
const FILE = new URL(import.meta.url);

function serve() {
  const profile = new CpuProfile();
  let running;
  answerCommands({
    async start(subject) {
      running = await startRealistic(subject);
      return running.port;
    },
    connections: () => running.connections(),
    publish: ({ data }) => void running.publish(data),
    cpu: cpuMicros,
    profileStart: () => profile.start(),
    profileStop: ({ file }) => profile.stop(file),
  });
}

/** Connects a fleet, and takes it away again. @returns CPU time of the server per connect, in microseconds */
async function connectAll({ process, port, isResume, lastEventId }) {
  const before = await process.call('cpu');
  const streams = await openStreams({
    port,
    clients: CLIENTS,
    lastEventId: isResume ? lastEventId : undefined,
  });
  await sleep(20);
  const after = await process.call('cpu');
  for (const { socket } of streams) socket.destroy();
  while ((await process.call('connections')) > 0) await sleep(5);
  return (after.user - before.user + after.system - before.system) / CLIENTS;
}

async function measure() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      headers: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      'cpu-prof': { type: 'string' },
    },
  });
  const rounds = Number(positionals[0] ?? 30);
  const subjects = [];
  for (const [name, subject] of Object.entries(SUBJECTS)) {
    if (!name.includes(values.only)) continue;
    const process = new ChildProcess(name, FILE, {
      execArgv: ['--expose-gc'],
      env: { BENCH_ROLE: 'server' },
    });
    const port = await process.call('start', { ...subject, headers: values.headers });
    subjects.push({ name, process, port, cpu: [] });
    if (subject.server !== 'module') continue;
    await process.call('publish', { data: 'an event' });
    const { socket, id } = await openStream(port);
    socket.destroy();
    subjects.push({
      name: `${name}, resume of nothing`,
      process,
      port,
      isResume: true,
      lastEventId: id,
      cpu: [],
    });
  }
  for (let round = -WARM_UP; round < rounds; round++) {
    if (round === 0 && values['cpu-prof'])
      for (const { process, isResume } of subjects) if (!isResume) await process.call('profileStart');
    for (const subject of subjects.toSorted(() => Math.random() - 0.5)) {
      if (values['cpu-prof'] && subject.isResume) continue;
      const micros = await connectAll(subject);
      if (round >= 0) subject.cpu.push(micros);
    }
  }
  const cpuOf = (name) => subjects.find((subject) => subject.name === name)?.cpu ?? [];
  const ratio = (name, other) => {
    const others = cpuOf(other);
    return median(cpuOf(name).map((micros, round) => micros / others[round])).toFixed(2);
  };
  for (const { name, cpu } of subjects) {
    const [low, high] = [0.25, 0.75].map(
      (part) => cpu.toSorted((a, b) => a - b)[Math.floor(part * cpu.length)],
    );
    console.log(
      `${name.padEnd(42)} ${median(cpu).toFixed(0).padStart(5)} us (${low?.toFixed(0)} to ${high?.toFixed(0)})  × node:http ${ratio(name, 'node:http')}`,
    );
  }
  for (const platform of ['Express', 'SseExpressAdapter', 'Fastify', 'node:http adapter']) {
    const own = `this module, ${platform}`;
    console.log(
      `${platform}: × Nest @Sse() ${ratio(own, `Nest @Sse(), ${platform}`)}, resume of nothing × connect ${ratio(`${own}, resume of nothing`, own)}`,
    );
  }
  for (const { name, process, isResume } of subjects) {
    if (isResume) continue;
    if (values['cpu-prof']) {
      const file = `${values['cpu-prof']}/${name.replace(/\W+/g, '-')}.cpuprofile`;
      console.log(`\n${name}\n${(await process.call('profileStop', { file })).join('\n')}`);
    }
    await process.stop();
  }
}

await (process.env.BENCH_ROLE === 'server' ? serve() : measure());
