import { nowMicros } from '../lib/clock.mjs';
import { percentile } from '../lib/statistics.mjs';
import { Client } from './client.mjs';
import { Tally } from './tally.mjs';

/** Connects in flight at a time: enough to keep the server busy, well below every listen backlog. */
const CONNECT_WINDOW = 200;

/**
 * Linux has about 28,000 ports for connections from one address to one server, and closed connections hold
 * theirs for a minute. Bigger fleets are spread over several loopback addresses (elsewhere there is only
 * 127.0.0.1). Not smaller ones: binding an address takes a port from all servers at once.
 */
const CLIENTS_PER_ADDRESS = 20_000;
const manyAddresses = process.platform === 'linux';

/** All clients of one measurement. */
export class Fleet {
  /** @type {Client[]} */
  #clients = [];
  #tally = new Tally();

  /**
   * @param {{ port: number, socketPath?: string, protocol: string, clients: number, rooms: number, firstRoom?: number,
   *           path?: string, headers?: string[], followIds?: boolean, paused?: boolean }} args
   *        clients are dealt to the rooms evenly; `headers`: one per client; `paused`: they read their response head, no more
   */
  async connect({
    port,
    socketPath,
    protocol,
    clients,
    rooms,
    firstRoom = 0,
    path,
    headers,
    followIds,
    paused,
  }) {
    const startedAt = nowMicros();
    let next = 0;
    const worker = async () => {
      while (next < clients) {
        const index = next++;
        const room = String(firstRoom + (index % rooms));
        const client = new Client(room, this.#tally);
        this.#clients.push(client);
        const localAddress = this.#localAddress();
        await client.open({
          port,
          socketPath,
          protocol,
          path,
          header: headers?.[index],
          localAddress,
          followIds,
        });
        if (paused) client.pause();
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONNECT_WINDOW, clients) }, worker));
    return { micros: nowMicros() - startedAt };
  }

  #localAddress() {
    if (!manyAddresses || this.#clients.length <= CLIENTS_PER_ADDRESS) return undefined;
    return `127.0.0.${1 + Math.floor((this.#clients.length - 1) / CLIENTS_PER_ADDRESS)}`;
  }

  /** Starts a measurement: all counts to zero. */
  reset({ latency = false } = {}) {
    this.#tally.reset({ latency });
    for (const client of this.#clients) client.reset();
  }

  /** Waits for the fleet to have received `total` events since the reset. */
  async awaitEvents({ total, timeoutMs = 50_000 }) {
    try {
      return { finishedAt: await this.#tally.reaches(total, timeoutMs) };
    } catch (error) {
      throw new Error(`${error.message}: ${JSON.stringify(this.summary({}))}`, { cause: error });
    }
  }

  /** The counts, and whether every client (of a room, when given) received the same number, in order. */
  summary({ room, reading = false }) {
    let fewest = Infinity;
    let most = 0;
    let open = 0;
    for (const client of this.#clients) {
      if (client.isOpen) open++;
      if ((room !== undefined && client.room !== room) || (reading && client.isPaused)) continue;
      fewest = Math.min(fewest, client.events);
      most = Math.max(most, client.events);
    }
    const { events, reads, bytes, disorder, gaps } = this.#tally;
    return { events, reads, bytes, disorder, gaps, fewest, most, open, clients: this.#clients.length };
  }

  /** Percentiles of due-time-to-receipt, in milliseconds. */
  latency() {
    const sorted = this.#tally.latencies();
    const millis = (fraction) => percentile(sorted, fraction) / 1e3;
    return {
      samples: sorted.length,
      p50: millis(0.5),
      p99: millis(0.99),
      p999: millis(0.999),
      max: millis(1),
    };
  }

  /** Lets all clients read again. */
  resume() {
    for (const client of this.#clients) client.resume();
  }

  /** Cuts every connection within one turn of the event loop; answers the last event id that each had seen. */
  async disconnect() {
    const clients = this.#clients;
    this.#clients = [];
    await Promise.all(clients.map((client) => client.close()));
    return clients.map((client) => client.lastEventId);
  }
}
