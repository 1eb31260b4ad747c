import type { ClaimedSession } from '../broker/session-store.interface.js';
import type { ClientSession, RestoredRoom, RestoredRooms } from '../connection/client-session.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import type { ResumePoint } from '../protocol/position.js';
import { SseError } from '../protocol/sse-error.js';
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
  /** Rooms that the client left before its session was restored. True if the store may have the room still. */
  #leftMeanwhile = new Map<string, boolean>();
  /** Leaves that the restored session has stored, or is storing. */
  #leaves: Promise<void>[] = [];
  #state: 'new' | 'restoring' | 'restored' | 'ended' = 'new';
  readonly #whenRestored: Promise<void>;
  #setRestored!: () => void;

  constructor(client: SseClient, key: string, node: SessionNode) {
    this.#client = client;
    this.key = key;
    this.#node = node;
    this.#whenRestored = new Promise((resolve) => (this.#setRestored = resolve));
  }

  async restore(): Promise<RestoredRooms> {
    const { id: client, user, isClosed } = this.#client;
    if (isClosed) return NO_ROOMS;
    this.#state = 'restoring';
    const own = (this.#rooms = new SessionRooms(this.#node, { key: this.key, user, client }));
    try {
      const claimed = await this.#claim();
      if (claimed?.previous !== undefined) this.#node.endPrevious(claimed.previous);
      const allowed = claimed && (await this.#allowed(claimed));
      if (allowed === undefined || this.#isEnded) return NO_ROOMS;
      const rooms: RestoredRoom[] = [];
      for (const each of claimed?.rooms ?? []) {
        const { room, epoch, position } = each;
        const left = [room, EVERYONE].flatMap((name) => this.#leftMeanwhile.get(name) ?? []);
        // A leave that is made again could remove a later join, which another node has stored.
        if (left.length > 0 && !left.includes(true)) continue;
        own.restored(room, { epoch, position });
        if (allowed.has(room) && left.length === 0) rooms.push(each);
        else this.#leaves.push(own.leave(room));
      }
      return { rooms, isNew: claimed?.isNew === true };
    } finally {
      this.#leftMeanwhile = new Map();
      if (!this.#isEnded) this.#state = 'restored';
      this.#setRestored();
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
    // The claim of a new session comes after what the store has removed.
    const isMissed = this.#state === 'restoring' || (this.#state === 'new' && !isStored);
    if (isMissed) this.#noteLeft(room, !isStored);
    if (room === EVERYONE) this.#saves.clear();
    else this.#saves.delete(room);
    const own = this.#rooms;
    if (own === undefined) return;
    const rooms = room === EVERYONE ? own.names : [room].filter((each) => own.has(each));
    await Promise.all(rooms.map(async (each) => own.leave(each)));
    if (this.#state !== 'restoring' || isStored) return;
    // Answered once it is stored: afterwards it could remove a later join.
    await this.#whenRestored;
    await Promise.all(this.#leaves);
  }

  async refused(room: string): Promise<void> {
    if (this.#isEnded) return;
    if (this.#state !== 'restored') this.#noteLeft(room, true);
    await this.#rooms?.leave(room);
  }

  ended(): void {
    if (this.#isEnded) return;
    const hasClaimed = this.#state !== 'new';
    this.#state = 'ended';
    this.#setRestored();
    this.#node.forget(this.#client.id);
    if (!hasClaimed) return;
    const { id: client, user } = this.#client;
    const { ttlMs } = this.#node;
    // A lost change leaves the session stored for the time of a renewal.
    this.#node.change({ key: this.key, user, do: 'end', client, ttlMs }).catch(() => {});
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

  #noteLeft(room: string, mayBeStored: boolean): void {
    this.#leftMeanwhile.set(room, mayBeStored || this.#leftMeanwhile.get(room) === true);
  }

  get #isEnded(): boolean {
    return this.#state === 'ended';
  }

  /** @returns `undefined` where the stream has ended meanwhile */
  async #claim(): Promise<ClaimedSession | undefined> {
    const { nodeId: node, renewedTtlMs: ttlMs } = this.#node;
    const { id: client, user } = this.#client;
    while (!this.#isEnded) {
      try {
        const { session } = await this.#node.claim({ key: this.key, user, do: 'claim', client, node, ttlMs });
        return this.#isEnded ? undefined : session;
      } catch (error) {
        if (!(error instanceof SseError) || error.code !== 'broker-unavailable') throw error;
        await new Promise((resolve) => setTimeout(resolve, CLAIM_RETRY_MS).unref());
      }
    }
    return undefined;
  }

  /** @returns `undefined` where the application cannot tell: the stream ends, and comes back with the same position */
  async #allowed({ rooms }: ClaimedSession): Promise<ReadonlySet<string> | undefined> {
    try {
      const names = rooms.map(({ room }) => room);
      return new Set(await this.#node.allowed(this.#client, names));
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
    await this.#whenRestored;
    const point = await joinedAt;
    const own = this.#rooms;
    if (this.#isEnded || own === undefined) return false;
    if (!isCurrent() || !this.#client.isIn(room) || own.has(room)) return true;
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
