import type { HistoryPolicy } from '../../broker.interface.js';
import { newEpoch } from '../../new-epoch.js';
import { EPOCH_SCRIPT, NEXT_EPOCH_SCRIPT } from '../data/epoch-scripts.js';
import { LOSS_NOTICE } from '../data/loss-notice.js';
import { publishCommand } from '../data/publish-command.js';
import { PUBLISH_SCRIPT } from '../data/publish-script.js';
import type { RedisKeys } from '../data/redis-keys.js';
import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import { AcceptedRooms } from './accepted-rooms.js';

/** Most rooms that are named. With more lost rooms a new epoch begins, which is a gap for all rooms. */
const MAX_NAMED_ROOMS = 1_000;

/** Most rooms of one notice, so that its script blocks Redis for few milliseconds. */
const MAX_ROOMS_PER_NOTICE = 100;

const REPEATABLE = { repeatable: true, refusable: false } as const;

export interface LossAnnouncerDependencies {
  readonly commands: Pick<CommandLink, 'send' | 'run' | 'whenUp'>;
  readonly redisKeys: RedisKeys;
  readonly policy: HistoryPolicy;
  readonly partitions: number;
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
    this.#accepted = new AcceptedRooms(dependencies.partitions);
  }

  /** Records an event that Redis has just accepted. A late reply of a former server causes another check. */
  accepted(rooms: readonly string[], epoch: string): void {
    this.#accepted.add(rooms, epoch);
    this.#epoch ??= epoch;
    if (epoch !== this.#epoch) void this.check();
  }

  /** Compares the epoch of Redis with those of accepted events, and stores the notices. Repeats it after failures. */
  async check(): Promise<void> {
    if (this.#isChecking || this.#accepted.isEmpty) {
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
  }

  async #announce(): Promise<void> {
    const { commands, redisKeys } = this.#dependencies;
    const stateKey = redisKeys.brokerState;
    const sentMs = performance.now();
    const reply = await commands.send(['EVAL', EPOCH_SCRIPT.source, '1', stateKey], REPEATABLE);
    const [epoch, ageUs] = reply as [string, string];
    // Without a known begin every event of another epoch may be lost.
    const beganMs = ageUs === '' ? -Infinity : sentMs - Number(ageUs) / 1_000;
    this.#epoch = epoch;
    const { names, all } = this.#accepted.takeLost(epoch, beganMs);
    for (const name of names) this.#lost.add(name);
    this.#isAllLost ||= all || this.#lost.size > MAX_NAMED_ROOMS;
    const lost = [...this.#lost];
    if (this.#isAllLost) {
      const args = ['EVAL', NEXT_EPOCH_SCRIPT.source, '1', stateKey, epoch, newEpoch()];
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
