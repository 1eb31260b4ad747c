import { askServer, tryCommand } from '../driver/ask-server.js';
import type { NodeAddress } from '../driver/cluster-topology.js';
import type {
  ConfirmLimits,
  RedisConnection,
  RedisDriver,
  RedisReply,
} from '../driver/redis-driver.interface.js';
import { FormerMasterError } from './former-master-error.js';
import { SharedAnswer } from './shared-answer.js';

/** One Sentinel. */
export interface Sentinel {
  readonly address: Partial<NodeAddress>;
  /** Connects to the Sentinel itself. */
  readonly sentinel: RedisDriver;
  /** Connects to the server that this Sentinel names as the master. */
  readonly master: RedisDriver;
}

/** The master as the Sentinel with the newest configuration names it. */
interface NamedMaster {
  readonly address: string;
  readonly configEpoch: number;
  /** Connects to it. */
  readonly driver: RedisDriver;
}

/**
 * Compares the server of a connection with the master that the Sentinels name. A Sentinel that was cut off may still name a
 * former master, so all are asked, and the greatest configuration epoch counts.
 *
 * Run ids are compared, not addresses: a server is known to Sentinels and to this process by different addresses where a name
 * or an address translation is used.
 */
export class Sentinels {
  readonly #name: string;
  #sentinels: readonly Sentinel[];
  readonly #newest: SharedAnswer<NamedMaster | undefined>;
  /** The last server that was found to be the named master. */
  #confirmed: { readonly address: string; readonly runId: string } | undefined;

  /** @param name the name under which the Sentinels monitor the master */
  constructor(name: string, sentinels: readonly Sentinel[]) {
    this.#name = name;
    this.#sentinels = sentinels;
    this.#newest = new SharedAnswer((timeoutMs) => this.#findNewest(timeoutMs));
  }

  /** The addresses in the order in which a new connection asks them: those that have named the newest master come first. */
  get addresses(): Partial<NodeAddress>[] {
    return this.#sentinels.map(({ address }) => address);
  }

  /**
   * Resolves where no Sentinel answers, since the server may well be the master, and where the user may not run INFO.
   *
   * @throws FormerMasterError if the Sentinels name another server
   */
  async confirm(connection: RedisConnection, { maxAgeMs, timeoutMs }: ConfirmLimits): Promise<void> {
    const [named, runId] = await Promise.all([
      this.#newest.get(maxAgeMs, timeoutMs),
      tryCommand(connection, ['INFO', 'server'], timeoutMs).then(parseRunId),
    ]);
    if (named === undefined || runId === undefined) return;
    const { address, driver } = named;
    const wasMaster = this.#confirmed?.runId === runId;
    if (wasMaster && this.#confirmed?.address === address) return;
    const reply = await askServer(driver, [['INFO', 'server']], timeoutMs).catch(() => []);
    const current = parseRunId(reply[0]);
    if (current === runId) this.#confirmed = { address, runId };
    // A named master that cannot be reached is another server where this one was known by another address.
    else if (current !== undefined || wasMaster) throw new FormerMasterError('the Sentinels', address);
  }

  async #findNewest(timeoutMs: number): Promise<NamedMaster | undefined> {
    const named = await Promise.all(
      this.#sentinels.map(async (each) => ({ each, master: await this.#ask(each, timeoutMs) })),
    );
    const epochOf = (master: NamedMaster | undefined): number => master?.configEpoch ?? -1;
    named.sort((a, b) => epochOf(b.master) - epochOf(a.master));
    this.#sentinels = named.map(({ each }) => each);
    return named[0]?.master;
  }

  /** Resolves with `undefined` where the Sentinel does not answer. */
  async #ask({ sentinel, master }: Sentinel, timeoutMs: number): Promise<NamedMaster | undefined> {
    const commands = [
      ['SENTINEL', 'get-master-addr-by-name', this.#name],
      ['SENTINEL', 'master', this.#name],
    ];
    try {
      const [address, fields] = (await askServer(sentinel, commands, timeoutMs)) as [string[], string[]];
      const configEpoch = Number(fields[fields.indexOf('config-epoch') + 1]);
      return { address: address.join(':'), configEpoch, driver: master };
    } catch {
      return undefined;
    }
  }
}

function parseRunId(reply: RedisReply | undefined): string | undefined {
  return typeof reply === 'string' ? /run_id:(\w+)/.exec(reply)?.[1] : undefined;
}
