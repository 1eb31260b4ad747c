import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SOCKET_PATH_VARIABLE } from './socket-path.mjs';
import { ChildProcess } from './rpc.mjs';

/** After the load generator has the last event, the server still has callbacks of that write to run. */
const SETTLE_MS = 30;

/** Connections made and closed again before anything is measured: they load and compile the code of the path. */
const REHEARSAL_CLIENTS = 50;

/** Number of the next Unix socket. */
let stages = 0;

/** One running peer: its server process, a load generator, and the measurements for scenarios. */
export class Stage {
  clients = 0;

  /**
   * @param {import('../peers/index.mjs').Peer} peer
   * @param {{ heartbeatMs?: number, socketPath?: boolean, profileFolder?: string }} [options] `socketPath`: a Unix socket instead of TCP
   */
  constructor(peer, { profileFolder, socketPath = false, ...options } = {}) {
    stages++;
    this.peer = peer;
    this.profileFolder = profileFolder;
    this.startOptions = options;
    this.server = new ChildProcess(`server ${peer.id}`, new URL('../server/main.mjs', import.meta.url), {
      // Silences Node's warnings about peers that add a listener per pending write.
      execArgv: ['--expose-gc', '--disable-warning=MaxListenersExceededWarning'],
      env: socketPath
        ? { [SOCKET_PATH_VARIABLE]: join(tmpdir(), `sse-bench-${process.pid}-${stages}.sock`) }
        : {},
    });
    /** The process that publishes. */
    this.publisher = this.server;
    this.load = new ChildProcess(`load for ${peer.id}`, new URL('../load/main.mjs', import.meta.url));
  }

  async open() {
    this.address = await this.server.call('start', { id: this.peer.id, options: this.startOptions });
    await this.connect({ clients: REHEARSAL_CLIENTS });
    await this.disconnect();
  }

  /**
   * Connects a fleet and waits until the server has it, with its CPU time for that.
   * @param {{ clients: number, rooms?: number, firstRoom?: number, path?: string, headers?: string[], followIds?: boolean, paused?: boolean }} fleet
   */
  async connect({ clients, rooms = 1, ...more }) {
    const protocol = this.peer.protocol ?? 'sse';
    const isFleet = this.profileFolder && clients > REHEARSAL_CLIENTS;
    if (isFleet) await this.server.call('profileStart');
    const before = await this.cpu();
    const { micros } = await this.load.call('connect', {
      ...this.address,
      protocol,
      clients,
      rooms,
      ...more,
    });
    this.clients += clients;
    await this.server.call('awaitConnections', { count: this.clients });
    // The head may be out before the client is in its room; a broadcast now would be missed.
    await sleep(SETTLE_MS);
    const { total } = await this.cpuSince(before);
    const lines = isFleet ? await this.#stopProfile() : undefined;
    return { perSecond: (clients * 1e6) / micros, cpuPerClient: total / clients, lines };
  }

  /** Cuts the whole fleet at once; the server's time to notice, and its longest stall meanwhile. */
  async disconnect() {
    const before = await this.cpu();
    await this.server.call('lagStart');
    const startedAt = performance.now();
    const lastEventIds = await this.load.call('disconnect');
    await this.server.call('awaitConnections', { count: 0 });
    const millis = performance.now() - startedAt;
    await sleep(SETTLE_MS);
    const { maxMs } = await this.server.call('lagStop');
    const { total } = await this.cpuSince(before);
    const clients = this.clients;
    this.clients = 0;
    return { millis, stallMs: maxMs, cpuPerClient: total / clients, lastEventIds };
  }

  /**
   * Publishes `count` events to a room of `receivers` and waits for all of them, block by block, so that a
   * server which is quicker than the reader does not fill the kernel's buffers (a different measurement).
   * @param {{ publish?: 'publishPaced' | 'publishBurst' | 'publishAtRate' | 'publishWindowed', room?: string, receivers: number, bytes: number,
   *           count: number, block?: number, perSecond?: number, latency?: boolean, reading?: boolean }} args
   */
  async deliver({
    publish = 'publishPaced',
    room = '0',
    receivers,
    bytes,
    count,
    block = count,
    perSecond,
    latency,
    reading,
  }) {
    await this.load.call('reset', { latency });
    if (this.profileFolder) await this.server.call('profileStart');
    const before = await this.cpu();
    let wallMicros = 0;
    for (let done = 0; done < count;) {
      const size = Math.min(block, count - done);
      const { startedAt } = await this.publisher.call(publish, {
        room,
        bytes,
        count: size,
        firstSeq: done,
        perSecond,
      });
      done += size;
      const { finishedAt } = await this.load.call('awaitEvents', { total: done * receivers });
      wallMicros += finishedAt - startedAt;
    }
    await sleep(SETTLE_MS);
    const { user, total } = await this.cpuSince(before);
    const lines = this.profileFolder ? await this.#stopProfile() : undefined;
    const { reads } = await this.verify({ room, count, reading });
    const deliveries = count * receivers;
    return {
      cpu: total / deliveries,
      user: user / deliveries,
      perSecond: (deliveries * 1e6) / wallMicros,
      readsPerDelivery: reads / deliveries,
      ...(lines && { lines }),
    };
  }

  /** Throws unless every client of the room has received every event, once and in order. */
  async verify({ room, count, reading, ordered = true }) {
    const summary = await this.load.call('summary', { room, reading });
    const isDisordered = ordered && summary.disorder > 0;
    if (summary.fewest !== count || summary.most !== count || isDisordered || summary.gaps > 0) {
      throw new Error(`expected ${count} events per client, in order: ${JSON.stringify(summary)}`);
    }
    return summary;
  }

  async #stopProfile() {
    const file = `${this.profileFolder}/${this.peer.id}-${Date.now()}.cpuprofile`;
    return [file, ...(await this.server.call('profileStop', { file }))];
  }

  /** @returns {Promise<{ user: number, system: number }>} microseconds since the server's start */
  cpu() {
    return this.server.call('cpu');
  }

  async cpuSince(before) {
    const now = await this.cpu();
    const user = now.user - before.user;
    const system = now.system - before.system;
    return { user, system, total: user + system };
  }

  memory() {
    return this.server.call('memory');
  }

  async close() {
    await Promise.all([this.server.stop(), this.load.stop()]);
  }
}
