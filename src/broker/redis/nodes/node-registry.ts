import { hostname } from 'node:os';
import { SseError } from '../../../protocol/sse-error.js';
import type { HistoryPolicy } from '../../broker.interface.js';
import type { BrokerNode } from '../../control-channel.interface.js';
import type { MalformedMessages } from '../data/malformed-messages.js';
import { nodeRegistryKey, type RedisKeys } from '../data/redis-keys.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import type { CommandLink } from '../link/command-link.js';
import { withDeadline } from '../link/deferred.js';
import { isUnreachable } from '../link/redis-errors.js';
import type { ResolvedRedisOptions } from '../redis-broker-options.js';
import { encodeNodeEntry, parseNodeEntry, type NodeEntry } from './node-entry.js';
import { optionDifferences, type OptionDifference } from './option-differences.js';
import { REGISTER_SCRIPT } from './register-script.js';

/** Interval between two renewals of the entry of a node, in milliseconds. */
const RENEWAL_MS = 5_000;
/** Time after the last renewal at which an entry is removed, in milliseconds: two renewals may fail. */
const LIFETIME_MS = 15_000;
/** Longest wait for the removal on close, in milliseconds. Without it the entry expires. */
const CLOSE_TIMEOUT_MS = 500;
/** Longest text of the history limits in an entry. */
const MAX_HISTORY = 4_000;

/** First character of the control message with the entry of a new node, sent to nodes that differ from it. */
export const NEW_NODE = 'o';

export interface NodeRegistryDependencies {
  readonly commands: Pick<CommandLink, 'run' | 'send' | 'isUp'>;
  readonly redisKeys: RedisKeys;
  readonly options: ResolvedRedisOptions;
  readonly policy: HistoryPolicy;
  readonly malformed: MalformedMessages;
  /** Unique name of this node in Redis. */
  readonly nodeName: string;
  /** Returns `true` once this node has, or is about to have, a connection that receives. */
  readonly receives: () => boolean;
  /** Emits a warning of the process, at most once for each text. */
  readonly warn: (message: string) => void;
}

/**
 * Compares the options of all nodes that share Redis and a prefix, through a hash in Redis with an entry for each node.
 * Warns once for each difference. A new node notifies the nodes that differ, so that both logs have the warning at once.
 *
 * The hash is in the slot of the tag `0`, which is the tag of some partition with any number of partitions.
 */
export class NodeRegistry {
  readonly #dependencies: NodeRegistryDependencies;
  readonly #fixed: Omit<NodeEntry, 'receives'>;
  readonly #timer: NodeJS.Timeout;
  readonly #warned = new Set<string>();
  #hasNotified = false;
  #listing: Promise<readonly BrokerNode[]> | undefined;
  #nextListing: Promise<readonly BrokerNode[]> | undefined;
  #isClosed = false;

  constructor(dependencies: NodeRegistryDependencies) {
    const { options, policy, redisKeys, nodeName } = dependencies;
    this.#dependencies = dependencies;
    this.#fixed = {
      id: nodeName,
      name: `${hostname()}/${process.pid}`,
      partitions: options.partitions,
      history: historyOf(policy).slice(0, MAX_HISTORY),
      channel: redisKeys.controlChannel,
    };
    this.#timer = setInterval(() => void this.refresh(), RENEWAL_MS).unref();
  }

  get #own(): NodeEntry {
    return { ...this.#fixed, receives: this.#dependencies.receives() };
  }

  /** Renews the entry of this node, and compares the others with it. Does nothing while Redis is unreachable. */
  async refresh(): Promise<readonly OptionDifference[]> {
    const { commands, warn } = this.#dependencies;
    if (this.#isClosed || !commands.isUp) return [];
    try {
      const others = await this.#exchange(encodeNodeEntry(this.#own));
      const differences = optionDifferences(this.#own, others);
      const isNew = !this.#hasNotified;
      this.#hasNotified = true;
      this.#warnOf(differences);
      if (isNew) await this.#notify(differences);
      return differences;
    } catch (error) {
      if (!this.#isClosed && !isUnreachable(error)) {
        warn(`Nodes with other options are not noticed. ${(error as Error).message}`);
      }
      return [];
    }
  }

  /** Compares a new node with this one, before its entry is read or in case that it has refused to start. */
  receive(text: string): void {
    const other = parseNodeEntry(text);
    if (other === undefined) this.#dependencies.malformed.ignore('node entry');
    else this.#warnOf(optionDifferences(this.#own, [other]));
  }

  /** @throws SseError `invalid-options` if another node has another number of partitions */
  async requireSamePartitions(): Promise<void> {
    const difference = (await this.refresh()).find(({ option }) => option === 'partitions');
    if (difference !== undefined) throw new SseError('invalid-options', difference.message);
  }

  /**
   * Renews the entry of this node, and lists the nodes that receive its control messages, itself included. Calls share a
   * read that begins after them: an earlier one may lack a node that has started since.
   *
   * @throws SseError `broker-unavailable`, `broker-closed`
   */
  receivers(): Promise<readonly BrokerNode[]> {
    if (this.#listing === undefined) {
      return (this.#listing = this.#readReceivers().finally(() => (this.#listing = undefined)));
    }
    this.#nextListing ??= this.#listing.then(ignored, ignored).then(() => {
      this.#nextListing = undefined;
      return this.receivers();
    });
    return this.#nextListing;
  }

  async #readReceivers(): Promise<readonly BrokerNode[]> {
    const own = this.#own;
    const others = await this.#exchange(encodeNodeEntry(own));
    return [own, ...others.filter(({ channel, receives }) => receives && channel === own.channel)];
  }

  /** Removes the entry of this node. Settles soon, also without an answer. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    if (!this.#dependencies.commands.isUp) return;
    await withDeadline(this.#exchange(''), CLOSE_TIMEOUT_MS, () => new Error('Redis was too slow.')).catch(
      () => {},
    );
  }

  /** @param entry an empty text removes this node */
  async #exchange(entry: string): Promise<NodeEntry[]> {
    const { commands, options, malformed, nodeName } = this.#dependencies;
    const reply = await commands.run(
      REGISTER_SCRIPT,
      [nodeRegistryKey(options.prefix)],
      [nodeName, entry, `${LIFETIME_MS}`],
      { repeatable: true, refusable: false },
    );
    return (Array.isArray(reply) ? (reply as readonly RedisReply[]) : []).flatMap((text) => {
      const other = parseNodeEntry(text);
      if (other === undefined) malformed.ignore('node entry');
      return other ?? [];
    });
  }

  #warnOf(differences: readonly OptionDifference[]): void {
    for (const { key, message } of differences) {
      if (this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#dependencies.warn(message);
    }
  }

  async #notify(differences: readonly OptionDifference[]): Promise<void> {
    const { commands } = this.#dependencies;
    const channels = new Set(differences.flatMap(({ nodes }) => nodes.map(({ channel }) => channel)));
    for (const channel of channels) {
      const message = `${NEW_NODE}${encodeNodeEntry(this.#own)}`;
      await commands.send(['SPUBLISH', channel, message], { repeatable: false, refusable: false });
    }
  }
}

function ignored(): void {}

/** The history limits of all rooms in words. */
function historyOf(policy: HistoryPolicy): string {
  if (policy.summary !== undefined) return policy.summary;
  const limits = policy.limitsOf('');
  return limits === false ? 'no history' : `${limits.maxEvents} events, ${limits.maxAgeMs} ms`;
}
