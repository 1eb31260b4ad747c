import type { ClaimedSession } from '../broker/session-store.interface.js';
import type { ClientSession, RestoredRoom, RestoredRooms } from '../connection/client-session.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import type { ResumePoint } from '../protocol/position.js';
import { SseError } from '../protocol/sse-error.js';
import { EarlyLeaves, leaveNotStored } from './early-leaves.js';
import type { SessionNode } from './session-node.interface.js';
import { SessionRooms } from './session-rooms.js';

/** Time after which a claim that the broker did not answer is made again, in milliseconds. */
const CLAIM_RETRY_MS = 500;

/** Reconnection time, in milliseconds, of a stream whose session was taken: two pages do not take it in turns. */
const TAKEN_RETRY_MS = 86_400_000;

const NO_ROOMS: RestoredRooms = { rooms: [], isNew: false };

/** The session of one stream of this node. */
export class StreamSession implements ClientSession {
  readonly key: string;
  readonly #client: SseClient;
  readonly #node: SessionNode;
  /** Made with the claim, when the user of the client is known. */
  #rooms: SessionRooms | undefined;
  readonly #saves = new Map<string, { promise: Promise<boolean> | undefined }>();
  readonly #earlyLeaves = new EarlyLeaves();
  /** Leaves of these rooms that the store had still. */
  readonly #leaves: Promise<void>[] = [];
  /** Rooms of the claimed session that the application is being asked for. */
  readonly #undecided = new Map<string, RestoredRoom>();
  #state: 'new' | 'claiming' | 'asking' | 'restored' | 'ended' = 'new';
  /** Settles with `false` where the store has not answered the claim before the stream ended. */
  readonly #whenClaimed: Promise<boolean>;
  #setClaimed!: (isClaimed: boolean) => void;

  constructor(client: SseClient, key: string, node: SessionNode) {
    this.#client = client;
    this.key = key;
    this.#node = node;
    this.#whenClaimed = new Promise((resolve) => (this.#setClaimed = resolve));
  }

  async restore(): Promise<RestoredRooms> {
    const { id: client, user, isClosed } = this.#client;
    if (isClosed) return NO_ROOMS;
    this.#state = 'claiming';
    const own = (this.#rooms = new SessionRooms(this.#node, { key: this.key, user, client }));
    try {
      const claimed = await this.#claim();
      if (claimed === undefined) return NO_ROOMS;
      if (claimed.previous !== undefined) this.#node.endPrevious(claimed.previous);
      this.#takeRooms(claimed, own);
      // From here on joins and leaves do not wait for the answer of the application, which may wait for them.
      if (!this.#isEnded) this.#state = 'asking';
      this.#setClaimed(true);
      const allowed = await this.#allowed();
      if (allowed === undefined || this.#isEnded) return NO_ROOMS;
      const rooms: RestoredRoom[] = [];
      for (const each of this.#undecided.values()) {
        // A join of the room was allowed meanwhile.
        const isAllowed = allowed.has(each.room) || own.has(each.room);
        if (isAllowed) own.restored(each.room, each);
        if (isAllowed) rooms.push(each);
        else void own.leave(each.room);
      }
      return { rooms, isNew: claimed.isNew };
    } finally {
      this.#undecided.clear();
      this.#setClaimed(false);
      if (!this.#isEnded) this.#state = 'restored';
    }
  }

  get isClaimed(): boolean {
    return this.#state !== 'new';
  }

  checkRoom(room: string): void {
    this.#rooms?.check(room);
  }

  async joined(room: string, point: Promise<ResumePoint>): Promise<boolean> {
    const save: { promise: Promise<boolean> | undefined } = { promise: undefined };
    // A leave removes it: the join is then not stored.
    this.#saves.set(room, save);
    save.promise = this.#join(room, point, () => this.#saves.get(room) === save);
    try {
      return await save.promise;
    } finally {
      if (this.#saves.get(room) === save) this.#saves.delete(room);
    }
  }

  saving(room: string): Promise<unknown> | undefined {
    return this.#saves.get(room)?.promise;
  }

  async left(room: string, isStored = false): Promise<void> {
    const isClaiming = this.#state === 'claiming';
    // The claim of a new session comes after what the store has removed.
    if (isClaiming || (this.#state === 'new' && !isStored)) this.#earlyLeaves.add(room, !isStored);
    if (room === EVERYONE) this.#saves.clear();
    else this.#saves.delete(room);
    const own = this.#rooms;
    if (own === undefined) return;
    const names = (known: Iterable<string>): string[] =>
      [...known].filter((each) => room === EVERYONE || each === room);
    const undecided = names(this.#undecided.keys()).filter((each) => this.#undecided.delete(each));
    // A leave of a restored room that is made again could remove a later join, which another node has stored.
    const rooms = new Set([...names(own.names), ...(isStored ? [] : undecided)]);
    await Promise.all(Array.from(rooms, async (each) => own.leave(each)));
    if (!isClaiming || isStored) return;
    // Answered once it is stored: afterwards it could remove a later join.
    if (!(await this.#whenClaimed)) throw leaveNotStored();
    await Promise.all(this.#leaves);
  }

  async refused(room: string): Promise<void> {
    if (this.#isEnded) return;
    if (this.#state === 'new' || this.#state === 'claiming') this.#earlyLeaves.add(room, true);
    this.#undecided.delete(room);
    await this.#rooms?.leave(room);
  }

  ended(): void {
    if (this.#isEnded) return;
    const state = this.#state;
    this.#state = 'ended';
    this.#node.forget(this.#client.id);
    if (state === 'new') this.#setClaimed(false);
    else if (state === 'claiming') void this.#endClaim();
    else this.#endStored();
  }

  /**
   * Stores the session for the time of a renewal, and what could not be stored before. Never rejects.
   *
   * @param mayBeLost true if the store may have lost its newest changes: all rooms are stored again. Default: `false`
   */
  async renew(mayBeLost = false): Promise<void> {
    const own = this.#rooms;
    if (this.#state !== 'restored' || own === undefined) return;
    const { id: client, user } = this.#client;
    try {
      const ttlMs = this.#node.renewedTtlMs;
      const { result } = await this.#node.change({ key: this.key, user, do: 'renew', client, ttlMs });
      // The claim of this stream may be lost too, so that the store has the owner before it.
      if (result === 'taken' && !mayBeLost) return this.#lose();
      if ((result === 'gone' || mayBeLost) && !this.#isEnded) await own.storeAgain();
      await own.storeRest();
    } catch {
      // The next renewal follows.
    }
  }

  /** Ends the stream: a newer one has the session. */
  end(): void {
    if (this.#client.isClosed) return;
    this.#client.setRetry(TAKEN_RETRY_MS);
    this.#lose();
  }

  /** Ends what a claim has begun that the store has not answered yet. */
  async #endClaim(): Promise<void> {
    if (!(await this.#whenClaimed)) return;
    await Promise.all(this.#leaves);
    this.#endStored();
  }

  #endStored(): void {
    const { id: client, user } = this.#client;
    const { ttlMs } = this.#node;
    // A lost change leaves the session stored for the time of a renewal.
    this.#node.change({ key: this.key, user, do: 'end', client, ttlMs }).catch(() => {});
  }

  /** Takes the rooms of the session that the client has not left since. */
  #takeRooms({ rooms }: ClaimedSession, own: SessionRooms): void {
    for (const each of rooms) {
      const mayBeStored = this.#earlyLeaves.mayBeStored(each.room);
      if (mayBeStored === undefined) this.#undecided.set(each.room, each);
      // A leave that is made again could remove a later join, which another node has stored.
      else if (mayBeStored) this.#leaves.push(own.leave(each.room));
    }
  }

  get #isEnded(): boolean {
    return this.#state === 'ended';
  }

  /** @returns `undefined` where the stream has ended before the store could answer */
  async #claim(): Promise<ClaimedSession | undefined> {
    const { nodeId: node, renewedTtlMs: ttlMs } = this.#node;
    const { id: client, user } = this.#client;
    while (!this.#isEnded) {
      try {
        const { session } = await this.#node.claim({ key: this.key, user, do: 'claim', client, node, ttlMs });
        return session;
      } catch (error) {
        if (!(error instanceof SseError) || error.code !== 'broker-unavailable') throw error;
        await new Promise((resolve) => setTimeout(resolve, CLAIM_RETRY_MS).unref());
      }
    }
    return undefined;
  }

  /** @returns `undefined` where the application cannot tell: the stream ends, and comes back with the same position */
  async #allowed(): Promise<ReadonlySet<string> | undefined> {
    if (this.#isEnded) return undefined;
    try {
      return new Set(await this.#node.allowed(this.#client, [...this.#undecided.keys()]));
    } catch {
      this.#client.connection.close('broker-unavailable');
      return undefined;
    }
  }

  /** Ends the stream, which comes back as usual: the store names another owner, which may be an old one. */
  #lose(): void {
    this.#client.connection.end('session-taken');
  }

  async #join(room: string, joinedAt: Promise<ResumePoint>, isCurrent: () => boolean): Promise<boolean> {
    await this.#whenClaimed;
    const point = await joinedAt;
    const own = this.#rooms;
    if (this.#isEnded || own === undefined) return false;
    if (!isCurrent() || !this.#client.isIn(room) || own.has(room)) return true;
    const restored = this.#undecided.get(room);
    if (restored !== undefined) {
      own.restored(room, restored);
      return true;
    }
    let result: Awaited<ReturnType<SessionRooms['join']>>;
    try {
      result = await own.join(room, point);
    } catch (error) {
      // The session is full.
      if (!own.has(room)) this.#client.leave(room);
      throw error;
    }
    if (result === 'gone' && !this.#isEnded) await own.storeAgain();
    else if (result === 'taken') this.#lose();
    return result === 'done' || (result === 'gone' && !this.#isEnded);
  }
}
