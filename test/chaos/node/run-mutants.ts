import type { RedisRuns as RedisRunsClass } from '../../../src/broker/redis/runs/redis-runs.js';
import type { RunFeed as RunFeedClass } from '../../../src/runs/following/run-feed.js';
import type { RunPage } from '../../../src/broker/run-store.interface.js';

/** A fault of runs put into all nodes, which the oracle must find. */
export type RunMutant =
  | 'has no fence'
  | 'stores the end as an event that can be trimmed'
  | 'listens after its first read'
  | 'merges events across an id';

/** Time between the first read of a follower and its subscription, in milliseconds. */
const LATE_MS = 400;

// The methods are called with their own `this`.
/* oxlint-disable typescript/unbound-method */

/** Puts a fault into the runs of this process. Resolves with a function that removes it. */
export async function mutateRuns(mutant: RunMutant, folder: string): Promise<() => void> {
  const { RedisRuns } = (await import(`${folder}/broker/redis/runs/redis-runs.js`)) as {
    RedisRuns: typeof RedisRunsClass;
  };
  const { RunFeed } = (await import(`${folder}/runs/following/run-feed.js`)) as {
    RunFeed: typeof RunFeedClass;
  };
  const [store, feed] = [RedisRuns.prototype, RunFeed.prototype];
  const { append, read, onChange } = store;
  const { listen, read: readOfFeed } = feed;
  if (mutant === 'has no fence') {
    store.append = async function (lease, after, entries) {
      const page = await read.call(this, { run: lease.run, after: 2 ** 40, maxBytes: 1, follows: false });
      if (page === undefined || page.record.epoch === lease.epoch)
        return append.call(this, lease, after, entries);
      return append.call(this, { ...lease, epoch: page.record.epoch }, page.record.entries, entries);
    };
  } else if (mutant === 'stores the end as an event that can be trimmed') {
    store.read = async function (wanted) {
      const page = await read.call(this, wanted);
      const isPast = page !== undefined && wanted.follows && wanted.after >= page.record.entries;
      return isPast ? { ...page, record: { ...page.record, state: 'running' } } : page;
    };
  } else if (mutant === 'listens after its first read') {
    // Without the reads at an interval and the first call, which both make up for what was before.
    const changed = new Set<string>();
    store.onChange = function (run, listener) {
      let calls = 0;
      return onChange.call(this, run, (change) => {
        if (calls++ > 0) changed.add(run);
        listener(change);
      });
    };
    feed.listen = function (listener) {
      let end = listen.call(this, () => {});
      const timer = setTimeout(() => {
        end();
        changed.delete(this.run);
        end = listen.call(this, () => changed.has(this.run) && listener());
      }, LATE_MS);
      return () => {
        clearTimeout(timer);
        end();
      };
    };
  } else {
    feed.read = async function (after, epoch) {
      return merged(await readOfFeed.call(this, after, epoch));
    };
  }
  return () => {
    Object.assign(store, { append, read, onChange });
    Object.assign(feed, { listen, read: readOfFeed });
  };
}

/** Puts the text of the last entry into the one before it, which keeps its id: the last one is read again after that. */
function merged(page: RunPage | undefined): RunPage | undefined {
  const [earlier, last] = page?.entries.slice(-2) ?? [];
  if (page === undefined || earlier === undefined || last === undefined) return page;
  const both = earlier.slice(0, -1) + last.slice(last.indexOf('data: ') + 'data: '.length);
  return { ...page, entries: [...page.entries.slice(0, -2), both] };
}
