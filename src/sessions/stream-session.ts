import type { ClaimedSession, SessionName, SessionOutcome } from '../broker/session-store.interface.js';
import type { ClientSession, RestoredRoom, RestoredRooms } from '../connection/client-session.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import type { ResumePoint } from '../protocol/position.js';
import { SseError } from '../protocol/sse-error.js';
import type { SessionNode } from './session-node.interface.js';

/** Time after which a claim that the broker did not answer is made again, in milliseconds. */
const CLAIM_RETRY_MS = 500;

/** Reconnection time, in milliseconds, of a stream whose session was taken: two pages do not take it in turns. */
const TAKEN_RETRY_MS = 86_400_000;

/** The session of one stream of this node. */
export class StreamSession implements ClientSession {
  readonly key: string;
  readonly #client: SseClient;
  readonly #node: SessionNode;
  /** The rooms that are stored, or are being stored. */
  readonly #rooms = new Map<string, ResumePoint>();
  readonly #saves = new Map<string, Promise<boolean>>();
  /** Rooms that the store may have although the client has left them: the change is made again. */
  readonly #unsavedLeaves = new Set<string>();
  readonly #unsavedJoins = new Set<string>();
  /** Rooms that the client left while its session was being restored. */
  #leftMeanwhile = new Set<string>();
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
    if (this.#client.isClosed) return { rooms: [], isNew: false };
    this.#state = 'restoring';
    try {
      const claimed = await this.#claim();
      if (claimed === undefined) return { rooms: [], isNew: false };
      if (claimed.previous !== undefined) this.#node.endPrevious(claimed.previous);
      const answers = await Promise.all(
        claimed.rooms.map(async (each) => ({
          each,
          isAllowed: await this.#node.isAllowed(this.#client, each.room),
        })),
      );
      const rooms: RestoredRoom[] = [];
      for (const { each, isAllowed } of answers) {
        const { room, epoch, position } = each;
        const hasLeft = this.#leftMeanwhile.has(room) || this.#leftMeanwhile.has(EVERYONE);
        this.#rooms.set(room, { epoch, position });
        if (isAllowed && !hasLeft) rooms.push(each);
        else void this.#leave(room);
      }
      return { rooms, isNew: claimed.isNew };
    } finally {
      this.#leftMeanwhile = new Set();
      if (!this.#isEnded) this.#state = 'restored';
      this.#setRestored();
    }
  }

  checkRoom(room: string): void {
    const { maxRooms } = this.#node;
    if (this.#rooms.size < maxRooms || this.#rooms.has(room)) return;
    throw tooManyRooms(maxRooms);
  }

  async joined(room: string, point: ResumePoint): Promise<boolean> {
    this.#leftMeanwhile.delete(room);
    const saving = this.#join(room, point);
    this.#saves.set(room, saving);
    try {
      return await saving;
    } finally {
      if (this.#saves.get(room) === saving) this.#saves.delete(room);
    }
  }

  saved(room: string): Promise<unknown> | undefined {
    return this.#saves.get(room)?.catch(() => {});
  }

  async left(room: string): Promise<void> {
    if (this.#state === 'new' || this.#state === 'restoring') this.#leftMeanwhile.add(room);
    const rooms = room === EVERYONE ? [...this.#rooms.keys()] : [room];
    await Promise.all(rooms.filter((each) => this.#rooms.has(each)).map((each) => this.#leave(each)));
  }

  ended(): void {
    if (this.#isEnded) return;
    const hasClaimed = this.#state !== 'new';
    this.#state = 'ended';
    this.#setRestored();
    this.#node.forget(this.#client.id);
    if (!hasClaimed) return;
    const { ttlMs } = this.#node;
    // A lost change leaves the session stored for the time of a renewal.
    this.#node.change({ ...this.#name, do: 'end', client: this.#client.id, ttlMs }).catch(() => {});
  }

  /** Stores the session for the time of a renewal, and what could not be stored before. Never rejects. */
  async renew(): Promise<void> {
    if (this.#state !== 'restored') return;
    try {
      const ttlMs = this.#node.renewedTtlMs;
      const outcome = await this.#node.change({ ...this.#name, do: 'renew', client: this.#client.id, ttlMs });
      if (outcome.result === 'taken') return this.end();
      if (outcome.result === 'gone') await this.#storeAgain();
      for (const room of this.#unsavedLeaves) void this.#leave(room);
      for (const room of this.#unsavedJoins) await this.#save(room);
    } catch {
      // The next renewal follows.
    }
  }

  /** Ends the stream: another one has the session. */
  end(): void {
    if (this.#client.isClosed) return;
    this.#client.setRetry(TAKEN_RETRY_MS);
    this.#client.connection.end('session-taken');
  }

  get #isEnded(): boolean {
    return this.#state === 'ended';
  }

  get #name(): SessionName {
    return { key: this.key, user: this.#client.user };
  }

  /** @returns `undefined` where the stream has ended meanwhile */
  async #claim(): Promise<ClaimedSession | undefined> {
    const { nodeId: node, renewedTtlMs: ttlMs } = this.#node;
    const claim = { ...this.#name, do: 'claim', client: this.#client.id, node, ttlMs } as const;
    while (!this.#isEnded) {
      try {
        const { session } = await this.#node.claim(claim);
        return this.#isEnded ? undefined : session;
      } catch (error) {
        if (!(error instanceof SseError) || error.code !== 'broker-unavailable') throw error;
        await new Promise((resolve) => setTimeout(resolve, CLAIM_RETRY_MS).unref());
      }
    }
    return undefined;
  }

  async #join(room: string, point: ResumePoint): Promise<boolean> {
    await this.#whenRestored;
    if (this.#isEnded) return false;
    if (!this.#client.isIn(room) || this.#rooms.has(room)) return true;
    this.#rooms.set(room, point);
    return this.#save(room);
  }

  /** Stores a room of the client. @throws SseError `broker-unavailable`, `too-many-rooms` */
  async #save(room: string): Promise<boolean> {
    const point = this.#rooms.get(room);
    if (point === undefined) return false;
    this.#unsavedJoins.add(room);
    const { maxRooms } = this.#node;
    const { result } = await this.#node.change({
      ...this.#name,
      ...point,
      do: 'join',
      room,
      client: this.#client.id,
      maxRooms,
    });
    this.#unsavedJoins.delete(room);
    if (result === 'full') {
      this.#rooms.delete(room);
      this.#client.leave(room);
      throw tooManyRooms(maxRooms);
    }
    if (result === 'gone' && !this.#isEnded) await this.#storeAgain();
    else if (result === 'taken') this.end();
    return result === 'done' || (result === 'gone' && !this.#isEnded);
  }

  /** Removes a room. What cannot be stored now is stored with the next renewal. */
  async #leave(room: string): Promise<void> {
    this.#rooms.delete(room);
    this.#unsavedJoins.delete(room);
    this.#unsavedLeaves.add(room);
    const isStored = await this.#node
      .change({ ...this.#name, do: 'leave', room, client: this.#client.id })
      .then(
        ({ result }: SessionOutcome) => result,
        () => undefined,
      );
    if (isStored !== undefined) this.#unsavedLeaves.delete(room);
  }

  /** Stores a session that the broker has lost. */
  async #storeAgain(): Promise<void> {
    const { nodeId: node, renewedTtlMs: ttlMs, maxRooms } = this.#node;
    const client = this.#client.id;
    const rooms = [...this.#rooms];
    await Promise.all([
      this.#node.change({ ...this.#name, do: 'claim', client, node, ttlMs }),
      ...rooms.map(([room, point]) =>
        this.#node.change({ ...this.#name, ...point, do: 'join', room, client, maxRooms }),
      ),
    ]);
  }
}

function tooManyRooms(maxRooms: number): SseError {
  return new SseError(
    'too-many-rooms',
    `The session of this client has ${maxRooms} rooms, the most that the option sessions.maxRooms allows. Leave one first.`,
  );
}
