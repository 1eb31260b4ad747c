import type { PresentUser } from '../broker/presence-store.interface.js';
import type { PresenceChange } from '../protocol/presence-event.js';

/** A difference between the list of a room and the changes that were emitted. */
export interface UnemittedChange {
  readonly type: PresenceChange['type'];
  readonly user: string;
  /** The user's info, as JSON. */
  readonly info: string | undefined;
}

/**
 * The members of one room according to the changes that this node has emitted to its clients and subscribers.
 *
 * Changes are delivered at most once, and the list is read on another connection than the changes arrive on. Both are
 * therefore judged by the last change that was emitted: a change that repeats it is not emitted again, so that the joins and
 * leaves of a member alternate, and a difference to the list is emitted as a change.
 *
 * A subscriber may have read the list before this node did. Until a second list has arrived (`isSettled`), the first change
 * of each member is therefore emitted, whatever the first list contained.
 */
export class EmittedMembers {
  /** Clients and subscribers on this node that receive the room's changes. */
  listeners = 0;
  /** Time of the next comparison, as of `performance.now()`. */
  dueMs = 0;
  /** Time after which the number of members is no longer sufficient, as of `performance.now()`. */
  listDueMs = 0;
  /** By user, the info as JSON. */
  readonly #members = new Map<string, string | undefined>();
  /** Until settled: members of the first list about whom no change was emitted. */
  readonly #unemitted = new Set<string>();
  /** Until settled: users that were emitted as gone. */
  readonly #gone = new Set<string>();
  /** By member that the list lacks, the time since when, as of `performance.now()`. */
  readonly #missingSinceMs = new Map<string, number>();
  /** Users with a change since the last list was requested: a change may be newer than the list. */
  readonly #changed = new Set<string>();
  #lists = 0;
  /** True if changes may have been lost before the first list. */
  #lostBeforeFirstList = false;

  /** True once a second list has arrived. From then on a user who is no member is known as such. */
  get isSettled(): boolean {
    return this.#lists > 1;
  }

  /** Number of members; `undefined` while a list is needed, whatever their number is. */
  get settledSize(): number | undefined {
    return this.isSettled && this.#missingSinceMs.size === 0 ? this.#members.size : undefined;
  }

  /** Records a change. @returns `false` for a change that repeats the last one of its user and is not to be emitted */
  observe({ type, user, info }: PresenceChange): boolean {
    this.#changed.add(user);
    this.#missingSinceMs.delete(user);
    const isMember = this.#members.has(user);
    const isUnemitted = this.#unemitted.delete(user);
    if (type === 'join') {
      this.#members.set(user, info === undefined ? undefined : JSON.stringify(info));
      this.#gone.delete(user);
      return !isMember || isUnemitted;
    }
    this.#members.delete(user);
    if (!isMember && (this.isSettled || this.#gone.has(user))) return false;
    if (!this.isSettled) this.#gone.add(user);
    return true;
  }

  /**
   * Called when changes may have been lost. A join that was lost before the first list is then emitted from it, at the price
   * of a repeated join for members that a subscriber has read before.
   */
  changesLost(): void {
    this.dueMs = this.listDueMs = 0;
    this.#lostBeforeFirstList ||= this.#lists === 0;
  }

  /** Called when a list is requested. */
  listRequested(): void {
    this.#changed.clear();
  }

  /**
   * Compares the members with a list.
   *
   * @param leaveAfterMs how long lists lack a member before it is emitted as gone, in milliseconds. After a loss of all data
   * the nodes write their members again one after the other
   * @returns the changes to emit; each is then passed to `observe`
   */
  compare(list: readonly PresentUser[], nowMs: number, leaveAfterMs: number): UnemittedChange[] {
    const isFirst = this.#lists++ === 0 && !this.#lostBeforeFirstList;
    const changes: UnemittedChange[] = [];
    for (const { user, info } of list) {
      this.#missingSinceMs.delete(user);
      if (this.#changed.has(user)) continue;
      if (this.#members.has(user)) this.#members.set(user, info);
      else if (isFirst && !this.#gone.has(user)) {
        this.#members.set(user, info);
        this.#unemitted.add(user);
      } else changes.push({ type: 'join', user, info });
    }
    const listed = new Set(list.map(({ user }) => user));
    for (const [user, info] of this.#members) {
      if (listed.has(user) || this.#changed.has(user)) continue;
      const sinceMs = this.#missingSinceMs.get(user) ?? nowMs;
      if (nowMs - sinceMs >= leaveAfterMs) changes.push({ type: 'leave', user, info });
      else this.#missingSinceMs.set(user, sinceMs);
    }
    if (this.isSettled) {
      this.#unemitted.clear();
      this.#gone.clear();
    }
    return changes;
  }
}
