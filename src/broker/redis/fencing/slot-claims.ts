import { askServer, tryCommand } from '../driver/ask-server.js';
import type { ClusterTopology } from '../driver/cluster-topology.js';
import type { ConfirmLimits, RedisConnection } from '../driver/redis-driver.interface.js';
import { FormerMasterError } from './former-master-error.js';
import { SharedAnswer } from './shared-answer.js';

/** Most cluster nodes that are asked at once. They are chosen at random, so that all are asked in time. */
const MAX_ASKED = 10;

const NODES = ['CLUSTER', 'NODES'];

/** One line of `CLUSTER NODES`. */
interface NodeLine {
  readonly id: string;
  readonly address: string;
  readonly isSelf: boolean;
  readonly configEpoch: number;
  readonly slots: readonly string[];
}

/**
 * Compares the server of a connection with the owner of its slot in the view of other nodes of a Redis Cluster. The claim with
 * the greatest configuration epoch counts, as in the cluster itself (Redis Cluster specification, "Hash slots configuration
 * propagation").
 */
export class SlotClaims {
  /** The texts of `CLUSTER NODES` of several nodes. */
  readonly #views: SharedAnswer<readonly string[]>;

  constructor(topology: ClusterTopology) {
    this.#views = new SharedAnswer(async (timeoutMs) => {
      const addresses = topology.addresses.toSorted(() => Math.random() - 0.5).slice(0, MAX_ASKED);
      const replies = addresses.map(async (address) => {
        const [view] = await askServer(topology.nodes.driverFor(address), [NODES], timeoutMs).catch(() => []);
        return view;
      });
      return (await Promise.all(replies)).filter((view) => typeof view === 'string');
    });
  }

  /**
   * Resolves where no node answers, and where the user may not run `CLUSTER NODES`.
   *
   * @throws FormerMasterError if another node owns the slot in a newer epoch
   */
  async confirm(
    connection: RedisConnection,
    slot: number,
    { maxAgeMs, timeoutMs }: ConfirmLimits,
  ): Promise<void> {
    const [views, own] = await Promise.all([
      this.#views.get(maxAgeMs, timeoutMs),
      tryCommand(connection, NODES, timeoutMs),
    ]);
    const self = parseNodes(String(own ?? '')).find(({ isSelf }) => isSelf);
    if (self === undefined) return;
    const [newest] = views
      .flatMap(parseNodes)
      .filter(({ slots }) => slots.some((range) => includesSlot(range, slot)))
      .toSorted((a, b) => b.configEpoch - a.configEpoch);
    if (newest === undefined || newest.id === self.id || newest.configEpoch <= self.configEpoch) return;
    throw new FormerMasterError('other nodes of the cluster', newest.address);
  }
}

function parseNodes(text: string): NodeLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', address = '', flags = '', , , , epoch, , ...slots] = line.split(' ');
      const isSelf = flags.split(',').includes('myself');
      return { id, address: address.split('@')[0] as string, isSelf, configEpoch: Number(epoch), slots };
    });
}

/** @param range `1-5` or `7`; a slot that migrates is in brackets, and its owner has a range with it as well */
function includesSlot(range: string, slot: number): boolean {
  const [first, last = first] = range.split('-').map(Number) as [number, number?];
  return first <= slot && slot <= last;
}
