import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import { Deferred } from '../link/deferred.js';
import { SYNC_MARKER_SCRIPT } from '../data/read-script.js';
import { isUnreachable } from '../link/redis-errors.js';

interface PendingMarker {
  readonly heard: Deferred;
  readonly onHeard: () => void;
}

/**
 * What this node says to itself through Redis. All that was published before a mark has been heard when the mark is:
 * so it proves that a connection hears, and it moves the node's position on where no events do.
 */
export class SyncMarkers {
  readonly #commands: CommandLink;
  readonly #ownChannel: string;
  readonly #pending = new Map<number, PendingMarker>();
  #last = 0;

  constructor(commands: CommandLink, ownChannel: string) {
    this.#commands = commands;
    this.#ownChannel = ownChannel;
  }

  /**
   * Resolves when the mark has been heard; rejects when the connection that was to hear it is lost.
   *
   * @param onHeard called at once when it is heard, before anything that was heard after it
   */
  async roundTrip(onHeard: () => void): Promise<void> {
    const heard = new Deferred();
    const number = ++this.#last;
    this.#pending.set(number, { heard, onHeard });
    const backOff = new BackOff();
    while (this.#pending.has(number)) {
      try {
        await this.#send(number);
        break;
      } catch (error) {
        if (!isUnreachable(error)) {
          this.#pending.delete(number);
          throw error;
        }
        await backOff.pass();
        await Promise.race([this.#commands.whenUp(), heard.promise]);
      }
    }
    return heard.promise;
  }

  /** A mark that nobody waits for. Rejects where Redis cannot be reached. */
  async probe(): Promise<void> {
    await this.#send(0);
  }

  received(number: number): void {
    const mark = this.#pending.get(number);
    if (mark === undefined) return;
    this.#pending.delete(number);
    mark.onHeard();
    mark.heard.resolve();
  }

  /** The connection is lost: nothing that was said will be heard. */
  reject(error: Error): void {
    for (const { heard } of this.#pending.values()) heard.reject(error);
    this.#pending.clear();
  }

  async #send(number: number): Promise<void> {
    await this.#commands.run(SYNC_MARKER_SCRIPT, [], [this.#ownChannel, `${number}`], {
      repeatable: true,
      refusable: false,
    });
  }
}
