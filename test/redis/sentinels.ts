import { eventually } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { RedisServer } from './redis-server.js';
import { waitForSync } from './replica.js';

const TIMEOUT_MS = 60_000;

/** Three Sentinels that monitor a master and its replica under the name `chaos`. */
export class Sentinels {
  readonly #servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.#servers = servers;
  }

  /** Starts the Sentinels. Resolves when each knows the others and the replica. */
  static async monitor({ port }: { readonly port: number }): Promise<Sentinels> {
    const directives = [
      `sentinel monitor chaos 127.0.0.1 ${port} 2`,
      'sentinel down-after-milliseconds chaos 1000',
      'sentinel failover-timeout chaos 4000',
    ];
    const start = (): Promise<RedisServer> => RedisServer.startSentinel(directives);
    const sentinels = new Sentinels(await Promise.all([start(), start(), start()]));
    const isWhole = async (): Promise<boolean> =>
      (await sentinels.#infos()).every((info) => /status=ok.*slaves=1,sentinels=3/.test(info));
    await eventually(isWhole, 'three Sentinels that know each other', TIMEOUT_MS);
    return sentinels;
  }

  get ports(): readonly number[] {
    return this.#servers.map(({ port }) => port);
  }

  /** Resolves when all Sentinels name this server as the master. */
  async promoted(server: { readonly port: number } | undefined): Promise<void> {
    const isMaster = async (): Promise<boolean> =>
      (await this.#infos()).every((info) => info.includes(`address=127.0.0.1:${server?.port},`));
    await eventually(isMaster, 'the promotion', TIMEOUT_MS);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.dispose()));
  }

  #infos(): Promise<string[]> {
    return Promise.all(this.#servers.map((server) => server.command('INFO', 'sentinel')));
  }
}

/** A server that its replica and the Sentinels know by the address of a proxy, and other programs reach directly. */
interface Announced {
  readonly server: RedisServer;
  readonly way: BlackHoleProxy;
}

/** A master and a replica under three Sentinels, of which the master can be cut off from all others. */
export class SentinelSplit {
  readonly sentinels: Sentinels;
  #master: Announced;
  #replica: Announced;

  private constructor(master: Announced, replica: Announced, sentinels: Sentinels) {
    this.#master = master;
    this.#replica = replica;
    this.sentinels = sentinels;
  }

  static async start(): Promise<SentinelSplit> {
    const [master, replica] = [await startAnnounced(), await startAnnounced()];
    await replica.server.command('REPLICAOF', '127.0.0.1', `${master.way.port}`);
    await waitForSync(replica.server);
    return new SentinelSplit(master, replica, await Sentinels.monitor(master.way));
  }

  get master(): RedisServer {
    return this.#master.server;
  }

  get replica(): RedisServer {
    return this.#replica.server;
  }

  /** Both servers, with the addresses that the Sentinels name, for an address map. */
  get announced(): { readonly address: string; readonly server: RedisServer }[] {
    return [this.#master, this.#replica].map(({ server, way }) => ({
      address: `127.0.0.1:${way.port}`,
      server,
    }));
  }

  /** Cuts the master off. Resolves when the Sentinels have promoted the replica: there are two masters. */
  async split(): Promise<void> {
    this.#master.way.holdNew();
    this.#master.way.cut();
    await this.sentinels.promoted(this.#replica.way);
  }

  /** Ends the split: the former master becomes a replica, as Sentinels order about ten seconds later. */
  async heal(): Promise<void> {
    const [former, master] = [this.#master, this.#replica];
    former.way.releaseNew();
    await former.server.command('REPLICAOF', '127.0.0.1', `${master.way.port}`);
    [this.#master, this.#replica] = [master, former];
  }

  async dispose(): Promise<void> {
    await this.sentinels.dispose();
    for (const { server, way } of [this.#replica, this.#master]) {
      way.close();
      await server.dispose();
    }
  }
}

async function startAnnounced(): Promise<Announced> {
  const way = await BlackHoleProxy.start(0);
  const options = `--appendonly no --repl-diskless-sync-delay 0 --replica-announce-ip 127.0.0.1`;
  const server = await RedisServer.start([...options.split(' '), '--replica-announce-port', `${way.port}`]);
  way.target = server.port;
  return { server, way };
}
