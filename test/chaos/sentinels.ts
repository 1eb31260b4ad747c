import { RedisServer } from '../redis/redis-server.js';
import { eventually } from '../support/within.js';

const TIMEOUT_MS = 60_000;

/** Three Sentinels that monitor a master and its replica under the name `chaos`. */
export class Sentinels {
  readonly #servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.#servers = servers;
  }

  /** Starts the Sentinels. Resolves when each knows the others and the replica. */
  static async monitor(master: RedisServer): Promise<Sentinels> {
    const directives = [
      `sentinel monitor chaos 127.0.0.1 ${master.port} 2`,
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
  async promoted(server: RedisServer | undefined): Promise<void> {
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
