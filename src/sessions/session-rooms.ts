import type { SessionName, SessionOutcome } from '../broker/session-store.interface.js';
import type { ResumePoint } from '../protocol/position.js';
import { SseError } from '../protocol/sse-error.js';
import type { SessionNode } from './session-node.interface.js';

/** The rooms of the session of one stream, and what the store lacks of them because it could not be reached. */
export class SessionRooms {
  readonly #node: SessionNode;
  readonly #name: SessionName & { readonly client: string };
  /** The rooms that are stored, or are being stored. */
  readonly #rooms = new Map<string, ResumePoint>();
  /** Rooms that the store may have although the client has left them: the change is made again. */
  readonly #unsavedLeaves = new Set<string>();
  readonly #unsavedJoins = new Set<string>();

  /** @param name of the session, with the id of its client */
  constructor(node: SessionNode, name: SessionName & { readonly client: string }) {
    this.#node = node;
    this.#name = name;
  }

  get names(): string[] {
    return [...this.#rooms.keys()];
  }

  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** Records a room that the store has. */
  restored(room: string, point: ResumePoint): void {
    this.#rooms.set(room, point);
  }

  /** @throws SseError `too-many-rooms` if the session has its most rooms, and this is none of them */
  check(room: string): void {
    if (this.#rooms.size >= this.#node.maxRooms && !this.#rooms.has(room)) throw this.#tooManyRooms();
  }

  /**
   * Stores a room.
   *
   * @returns `gone` where the store has lost the session, `taken` where another client has it
   * @throws SseError `broker-unavailable`: it is stored later; `too-many-rooms`
   */
  async join(room: string, point: ResumePoint): Promise<Exclude<SessionOutcome['result'], 'full'>> {
    this.#rooms.set(room, point);
    this.#unsavedJoins.add(room);
    // The store keeps the position of a join, so an earlier leave must be in front of this one.
    if (this.#unsavedLeaves.has(room)) await this.#storeLeave(room);
    const { result } = await this.#storeJoin(room, point);
    this.#unsavedJoins.delete(room);
    if (result !== 'full') return result;
    this.#rooms.delete(room);
    throw this.#tooManyRooms();
  }

  /** Removes a room. What cannot be stored now is stored with the next renewal. Never rejects. */
  async leave(room: string): Promise<void> {
    this.#rooms.delete(room);
    this.#unsavedJoins.delete(room);
    this.#unsavedLeaves.add(room);
    await this.#storeLeave(room).catch(() => {});
  }

  /** Stores a session that the store has lost, or whose newest changes it may have lost. */
  async storeAgain(): Promise<void> {
    const { nodeId: node, renewedTtlMs: ttlMs } = this.#node;
    const rooms = [...this.#rooms];
    await Promise.all([
      this.#node.change({ ...this.#name, do: 'claim', node, ttlMs }),
      ...rooms.map(([room, point]) => this.#storeJoin(room, point)),
    ]);
  }

  /** Stores what could not be stored before. @throws SseError `broker-unavailable` */
  async storeRest(): Promise<void> {
    for (const room of this.#unsavedLeaves) await this.#storeLeave(room);
    for (const room of this.#unsavedJoins) {
      const point = this.#rooms.get(room);
      if (point !== undefined) await this.#storeJoin(room, point);
      this.#unsavedJoins.delete(room);
    }
  }

  #storeJoin(room: string, point: ResumePoint): Promise<SessionOutcome> {
    const { maxRooms } = this.#node;
    return this.#node.change({ ...this.#name, ...point, do: 'join', room, maxRooms });
  }

  async #storeLeave(room: string): Promise<void> {
    await this.#node.change({ ...this.#name, do: 'leave', room });
    this.#unsavedLeaves.delete(room);
  }

  #tooManyRooms(): SseError {
    return new SseError(
      'too-many-rooms',
      `The session of this client has ${this.#node.maxRooms} rooms, the most that the option sessions.maxRooms allows. Leave one first.`,
    );
  }
}
