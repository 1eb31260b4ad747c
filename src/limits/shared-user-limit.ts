import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import type { UserStreamRule, UserStreamStore } from '../broker/user-stream-store.interface.js';
import { withinDeadline } from '../protocol/promises/deadline.js';
import { SseError } from '../protocol/sse-error.js';
import { isThenable } from '../protocol/thenable.js';

/** Longest wait for a broker, in milliseconds. A stream that waits longer would look broken to its client. */
const LONGEST_WAIT_MS = 5_000;

export interface SharedUserLimitHost {
  /** Ends streams of any node. Never rejects. */
  readonly endStreams: (clients: readonly string[]) => void;
  /** Receives what a broker throws that may throw nothing: the client of the slot closes all the same. */
  readonly onFailure: (error: unknown) => void;
}

/** Streams are always counted in the same partition, as control messages are sent through one. */
function userStreamStoreOf({ partitions }: PartitionedBroker): UserStreamStore | undefined {
  return partitions.find(({ userStreams }) => userStreams !== undefined)?.userStreams;
}

/** The limit of streams of a user over all nodes, as one node asks for it. */
export class SharedUserLimit {
  readonly #store: UserStreamStore;
  readonly #rule: UserStreamRule;
  readonly #host: SharedUserLimitHost;

  /** @throws SseError `unsupported-by-broker` where the broker does not count streams, or cannot end those of other nodes */
  constructor(broker: PartitionedBroker, rule: UserStreamRule, host: SharedUserLimitHost) {
    const store = userStreamStoreOf(broker);
    const lacks =
      store === undefined
        ? 'counts streams: give it `userStreams`'
        : rule.whenFull === 'end-oldest' &&
            broker.partitions.every((each) => each.publishControl === undefined)
          ? "ends streams of other nodes for atUserLimit: 'end-oldest': give it `publishControl`"
          : undefined;
    if (store === undefined || lacks !== undefined) {
      throw new SseError(
        'unsupported-by-broker',
        `The option "limits.maxStreamsPerUserOnAllNodes" of SseModule needs a broker that ${lacks}, or take the option away.`,
      );
    }
    this.#store = store;
    this.#rule = rule;
    this.#host = host;
  }

  /**
   * Counts a stream that is about to open, until `release`.
   *
   * @returns what became of it. Rejects where the broker does not answer: then the stream counts later
   */
  async take(user: string, client: string): Promise<'added' | 'replaced others' | 'refused'> {
    const asked = this.#store.add(user, client, this.#rule);
    const { isAdded, tooMany } = await withinDeadline(asked, LONGEST_WAIT_MS, tooSlow);
    if (tooMany.length > 0) this.#host.endStreams(tooMany);
    return isAdded ? (tooMany.length > 0 ? 'replaced others' : 'added') : 'refused';
  }

  /** Called by the slot of the client. */
  release(client: string): void {
    try {
      const result: unknown = this.#store.remove(client);
      if (isThenable(result)) result.then(undefined, (error: unknown) => this.#host.onFailure(error));
    } catch (error) {
      this.#host.onFailure(error);
    }
  }
}

function tooSlow(): Error {
  return new Error(`The broker did not answer within ${LONGEST_WAIT_MS} ms.`);
}
