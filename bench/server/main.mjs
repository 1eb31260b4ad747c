/**
 * One server process: one peer, and the control protocol that is the same for all of them.
 * Started with `--expose-gc`; talks over IPC only, so that control costs no socket and no parsing.
 */
import { answerCommands } from '../lib/rpc.mjs';
import { socketPath } from '../lib/socket-path.mjs';
import { loadPeer } from '../peers/index.mjs';
import { CpuProfile } from './cpu-profile.mjs';
import { EventLoopLag } from './event-loop-lag.mjs';
import { heapByConstructor } from './heap-snapshot.mjs';
import { publishAtRate, publishBurst, publishPaced, publishWindowed } from './publisher.mjs';
import { cpuMicros, memory } from './usage.mjs';

/** @type {import('../peers/index.mjs').RunningPeer} */
let peer;
const lag = new EventLoopLag();
const profile = new CpuProfile();

const commands = {
  async start({ id, options }) {
    const { start } = await loadPeer(id);
    peer = await start(options ?? {});
    return { port: peer.port, socketPath: socketPath() };
  },
  publishPaced: (args) => publishPaced(peer, args),
  publishBurst: (args) => publishBurst(peer, args),
  publishAtRate: (args) => publishAtRate(peer, args),
  publishWindowed: (args) => publishWindowed(peer, args),
  /** Commands that only some peers support. */
  ask: ({ what, ...args }) => peer[what](args),
  cpu: () => (peer.cpuMicros ? peer.cpuMicros() : cpuMicros()),
  memory: () => (peer.memory ? peer.memory() : memory()),
  async awaitConnections({ count, timeoutMs = 30_000 }) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const open = await peer.connections();
      if (open === count) return open;
      if (Date.now() > deadline) throw new Error(`${open} connections open, expected ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  },
  connections: () => peer.connections(),
  lagStart: () => lag.start(),
  lagStop: () => lag.stop(),
  profileStart: () => profile.start(),
  profileStop: ({ file }) => profile.stop(file),
  heapByConstructor,
};

answerCommands(commands, () => peer?.close?.());
