import type { HistoryPolicy } from '../../broker.interface.js';
import { newEpoch } from '../../new-epoch.js';
import { EPOCH_SCRIPT, NEXT_EPOCH_SCRIPT } from '../data/epoch-scripts.js';
import { LOSS_NOTICE } from '../data/loss-notice.js';
import { publishCommand } from '../data/publish-command.js';
import { PUBLISH_SCRIPT } from '../data/publish-script.js';
import type { RedisKeys } from '../data/redis-keys.js';
import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import type { ResolvedRedisOptions } from '../redis-broker-options.js';
import { AcceptedRooms } from './accepted-rooms.js';
import { PublishJournal, type JournalEntry } from './publish-journal.js';
import { Republisher } from './republisher.js';

/** Most rooms that are named. With more lost rooms a new epoch begins, which is a gap for all rooms. */
const MAX_NAMED_ROOMS = 1_000;

/** Most rooms of one notice, so that its script blocks Redis for few milliseconds. */
const MAX_ROOMS_PER_NOTICE = 100;

const REPEATABLE = { repeatable: true, refusable: false } as const;

export interface LossAnnouncerDependencies {
  readonly commands: Pick<CommandLink, 'send' | 'run' | 'whenUp'>;
  readonly redisKeys: RedisKeys;
  readonly policy: HistoryPolicy;
  readonly options: Pick<ResolvedRedisOptions, 'partitions' | 'republishMs' | 'maxBufferedBytes'>;
}

/**
 * Reports events that this node has published to a Redis that the other nodes no longer use. After a failover two
 * servers may accept events for some time. Clients of the new one received their gap before events that the old one
 * accepted afterwards, and would lose those in silence.
 *
 * After each reconnect the node asks for the epoch of its Redis. For each room with an event that was accepted in
 * another epoch, after the current one had begun, it stores a loss notice in the history of the current one. Every
 * node turns the notice into a gap: for live clients when it arrives, for others when they resume.
 *
 * Example: the new master begins epoch `b` at 12:00:00. This node publishes to the old master, in epoch `a`, until
 * 12:00:03, and then reconnects to the new one. Rooms with an event from 12:00:00 on receive a notice.
 *
 * The times of the replies and the age of the epoch are compared by the clock of this process alone, so clocks of
 * servers may differ.
 */
export class LossAnnouncer {
  readonly #dependencies: LossAnnouncerDependencies;
  readonly #accepted: AcceptedRooms;
  readonly #journal: PublishJournal;
  readonly #republisher: Republisher;
  /** Epoch of the last check, or of the first accepted event. */
  #epoch: string | undefined;
  /** Rooms whose notice is not stored yet. */
  readonly #lost = new Set<string>();
  #isAllLost = false;
  #isChecking = false;
  #mustCheckAgain = false;
  #isClosed = false;

  constructor(dependencies: LossAnnouncerDependencies) {
    this.#dependencies = dependencies;
    const { partitions, republishMs, maxBufferedBytes } = dependencies.options;
    this.#accepted = new AcceptedRooms(partitions);
    this.#journal = new PublishJournal(republishMs, maxBufferedBytes / partitions);
    this.#republisher = new Republisher(this.#journal, dependencies);
  }

  /** Records an event that Redis has just accepted. A late reply of a former server causes another check. */
  accepted(rooms: readonly string[], epoch: string): void {
    this.#accepted.add(rooms, epoch);
    this.#epoch ??= epoch;
    if (epoch !== this.#epoch) void this.check();
  }

  /** Remembers an event with an idempotency key, before `accepted` is called for it. */
  remember(entry: JournalEntry): void {
    this.#journal.add(entry);
  }

  /** Compares the epoch of Redis with those of accepted events, and stores the notices. Repeats it after failures. */
  async check(): Promise<void> {
    const isNothingAccepted = this.#accepted.isEmpty && this.#journal.isEmpty;
    if (this.#isChecking || isNothingAccepted) {
      this.#mustCheckAgain = this.#isChecking;
      return;
    }
    this.#isChecking = true;
    const backOff = new BackOff();
    do {
      this.#mustCheckAgain = false;
      try {
        await this.#announce();
      } catch {
        this.#mustCheckAgain = true;
        await backOff.wait();
        await this.#dependencies.commands.whenUp().catch(() => {});
      }
    } while (this.#mustCheckAgain && !this.#isClosed);
    this.#isChecking = false;
  }

  close(): void {
    this.#isClosed = true;
    this.#journal.close();
  }

  async #announce(): Promise<void> {
    const { commands, redisKeys } = this.#dependencies;
    const sentMs = performance.now();
    const reply = await commands.send(['EVAL', EPOCH_SCRIPT.source, '1', redisKeys.brokerState], REPEATABLE);
    const [epoch, ageUs] = reply as [string, string];
    // Without a known begin every event of another epoch may be lost.
    const beganMs = ageUs === '' ? -Infinity : sentMs - Number(ageUs) / 1_000;
    this.#epoch = epoch;
    // At once: an event that is accepted in the new epoch meanwhile replaces the last one of its room.
    const { names, all } = this.#accepted.takeLost(epoch, beganMs);
    for (const name of names) this.#lost.add(name);
    this.#isAllLost ||= all || this.#lost.size > MAX_NAMED_ROOMS;
    try {
      // Before the notices, so that a client that reads a notice has read these events.
      await this.#republisher.restore(epoch);
    } finally {
      await this.#report(epoch);
    }
  }

  async #report(epoch: string): Promise<void> {
    const { commands, redisKeys } = this.#dependencies;
    const lost = [...this.#lost];
    if (this.#isAllLost) {
      const args = ['EVAL', NEXT_EPOCH_SCRIPT.source, '1', redisKeys.brokerState, epoch, newEpoch()];
      await commands.send(args, REPEATABLE);
      // One notice is enough: it makes all nodes read the new epoch now, and not at their next event.
      lost.splice(MAX_ROOMS_PER_NOTICE);
    }
    for (let start = 0; start < lost.length; start += MAX_ROOMS_PER_NOTICE) {
      await this.#publish(lost.slice(start, start + MAX_ROOMS_PER_NOTICE));
    }
    this.#lost.clear();
    this.#isAllLost = false;
  }

  async #publish(rooms: readonly string[]): Promise<void> {
    const command = publishCommand(rooms, LOSS_NOTICE, {}, this.#dependencies);
    if (command?.kind !== 'script') return;
    await this.#dependencies.commands.run(PUBLISH_SCRIPT, command.keys, command.args, REPEATABLE);
  }
}
