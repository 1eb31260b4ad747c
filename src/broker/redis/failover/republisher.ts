import type { HistoryPolicy } from '../../broker.interface.js';
import { IDEMPOTENCY_WINDOW_MS } from '../../idempotency-keys.js';
import { lastPositionTtlMs } from '../../completeness.js';
import { roomsText } from '../data/channel-message.js';
import { clampedLimits } from '../data/clamped-limits.js';
import { encodeEventText } from '../data/event-codec.js';
import type { RedisKeys } from '../data/redis-keys.js';
import { RESTORE_SCRIPT, UNKNOWN_KEYS_SCRIPT } from '../data/restore-script.js';
import type { CommandLink } from '../link/command-link.js';
import type { JournalEntry, PublishJournal } from './publish-journal.js';

/** Most events of one call, and most calls that are sent at once. */
const BATCH = 100;

/** Reply of the script. */
const OTHER_EPOCH = -1;

const REPEATABLE = { repeatable: true, refusable: false } as const;

export interface RepublisherDependencies {
  readonly commands: Pick<CommandLink, 'run'>;
  readonly redisKeys: RedisKeys;
  readonly policy: HistoryPolicy;
}

/**
 * Stores events of this node again that a replaced Redis had accepted and the new one lacks.
 *
 * They keep their positions. A client that has received such an event has a position that is not before it, in whatever
 * epoch, and a client with an older position has not. So each client receives it at most once, in order: the next time
 * that it reads history from before the event. Nothing is compared when an event is delivered.
 */
export class Republisher {
  readonly #dependencies: RepublisherDependencies;
  readonly #journal: PublishJournal;

  constructor(journal: PublishJournal, dependencies: RepublisherDependencies) {
    this.#journal = journal;
    this.#dependencies = dependencies;
  }

  /** @throws an error where Redis fails; it may be called again */
  async restore(epoch: string): Promise<void> {
    const entries = this.#journal.ofOtherEpochs(epoch);
    for (let start = 0; start < entries.length; start += BATCH) {
      const batch = entries.slice(start, start + BATCH);
      const unknown = await this.#unknownOf(batch);
      await Promise.all(unknown.map((entry) => this.#restore(entry, epoch)));
      for (const entry of batch) entry.epoch = epoch;
    }
  }

  async #unknownOf(entries: readonly JournalEntry[]): Promise<JournalEntry[]> {
    const { commands, redisKeys } = this.#dependencies;
    const receipts = entries.map(({ options }) => redisKeys.receipt(options.idempotencyKey));
    const reply = (await commands.run(UNKNOWN_KEYS_SCRIPT, receipts, [], REPEATABLE)) as readonly number[];
    return entries.filter((_, index) => Number(reply[index]) === 1);
  }

  async #restore({ rooms, event, options, position }: JournalEntry, epoch: string): Promise<void> {
    const { commands, redisKeys, policy } = this.#dependencies;
    const all = [...new Set(rooms)];
    const stored = all.flatMap((room) => {
      const limits = clampedLimits(policy, room);
      return limits === false ? [] : [{ room, ...limits }];
    });
    const keys = stored.flatMap(({ room }) => [redisKeys.stream(room), redisKeys.lastPosition(room)]);
    const args = [
      epoch,
      `${position}`,
      roomsText(all),
      encodeEventText(event, options),
      `${IDEMPOTENCY_WINDOW_MS}`,
      ...stored.flatMap((limits) => [
        `${limits.maxEvents}`,
        `${limits.maxAgeMs}`,
        `${lastPositionTtlMs(limits)}`,
      ]),
    ];
    const receipt = redisKeys.receipt(options.idempotencyKey);
    const count = Number(await commands.run(RESTORE_SCRIPT, [receipt, ...keys], args, REPEATABLE));
    if (count === OTHER_EPOCH) throw new Error('Another epoch has begun.');
  }
}
