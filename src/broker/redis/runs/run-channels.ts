import type { RunChange, RunListener, RunPage, RunRead } from '../../run-store.interface.js';
import type { MalformedMessages } from '../data/malformed-messages.js';
import { ReceivedEntries } from './received-entries.js';
import { parseRunMessage } from './run-replies.js';

/** The parts of a node that runs need. */
interface RunChannelsNode {
  readonly malformed: Pick<MalformedMessages, 'ignore'>;
  /** Carries the subscriptions. */
  readonly feed: { updateRuns(): void };
}

/** A run that is followed on this node. */
class FollowedRun {
  readonly listeners = new Set<RunListener>();
  readonly received = new ReceivedEntries();

  wake(change: RunChange, page?: RunPage): void {
    // A listener may listen again.
    const listeners = [...this.listeners];
    for (const listener of listeners) listener(change, page);
  }
}

/**
 * The runs that are followed on this node: one subscription for each of them, with any number of listeners. The connection of
 * `RoomFeed` carries the subscriptions.
 */
export class RunChannels {
  readonly #runs = new Map<string, FollowedRun>();
  readonly #node: RunChannelsNode;
  /** Runs whose channels are subscribed on the current connection. */
  #subscribed = new Set<string>();
  /** Runs whose subscription may have to be changed. */
  readonly #changed = new Set<string>();

  /** @param node its feed and its counter are used later */
  constructor(node: RunChannelsNode) {
    this.#node = node;
  }

  /** Listens to the changes of a run. @returns a function that ends the calls */
  listen(run: string, onChange: RunListener): () => void {
    let followed = this.#runs.get(run);
    if (followed === undefined) this.#runs.set(run, (followed = new FollowedRun()));
    const { listeners } = followed;
    // The same function may be given twice.
    const listener: RunListener = (change, page) => onChange(change, page);
    listeners.add(listener);
    if (listeners.size === 1) this.#change(run);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#runs.delete(run);
      this.#change(run);
    };
  }

  receive(run: string, text: string): void {
    const followed = this.#runs.get(run);
    if (followed === undefined) return;
    // Without a text Redis has lost the run.
    if (text === '') return followed.wake('end');
    const message = parseRunMessage(text);
    if (message === undefined) return this.#node.malformed.ignore('run message');
    const { change, page } = message;
    followed.received.add(page);
    followed.wake(change, page.entries.length > 0 ? page : undefined);
  }

  /** Answers a read of a follower from the newest messages; `undefined` where Redis has to be asked. */
  readReceived(read: RunRead): RunPage | undefined {
    const received = this.#runs.get(read.run)?.received;
    const page = received?.read(read);
    if (page === undefined && read.follows) received?.asked();
    return page;
  }

  /** All followed runs, for a new connection, which has no subscription yet. */
  takeAll(): string[] {
    this.#changed.clear();
    this.#subscribed.clear();
    return [...this.#runs.keys()];
  }

  /** Takes up to `maxCount` runs whose subscription is to be changed. */
  takeChanged(maxCount: number): { readonly added: string[]; readonly removed: string[] } {
    const [added, removed]: [string[], string[]] = [[], []];
    for (const run of this.#changed) {
      if (added.length + removed.length === maxCount) break;
      this.#changed.delete(run);
      const isFollowed = this.#runs.has(run);
      if (isFollowed && !this.#subscribed.has(run)) added.push(run);
      if (!isFollowed && this.#subscribed.has(run)) removed.push(run);
    }
    return { added, removed };
  }

  /** Records new subscriptions, and wakes their followers: a change before the subscription has reached nobody. */
  markSubscribed(runs: readonly string[]): void {
    for (const run of runs) {
      this.#subscribed.add(run);
      const followed = this.#runs.get(run);
      followed?.received.clear();
      followed?.wake('entries');
    }
  }

  markUnsubscribed(runs: readonly string[]): void {
    for (const run of runs) this.#subscribed.delete(run);
  }

  #change(run: string): void {
    this.#changed.add(run);
    this.#node.feed.updateRuns();
  }
}
