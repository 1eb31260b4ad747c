import type { HistoryPage, RoomMessage } from 'nestjs-simple-sse';
import type { OracleNode } from './oracle-node.js';

/** What a follower has been told, in order. */
export type Told =
  | {
      readonly kind: 'event';
      readonly text: string;
      readonly rooms: readonly string[];
      readonly position: number;
    }
  | { readonly kind: 'gap'; readonly rooms: readonly string[]; readonly atUs: number };

/**
 * A client as the hub treats one: it hears its rooms through a node, comes back to any node with its last position, and
 * is told what it may have missed. What is heard while its history is being read is held.
 */
export class Follower {
  readonly told: Told[] = [];
  readonly failures: unknown[] = [];
  readonly #rooms: readonly string[];
  readonly #anyNode: () => OracleNode;
  #node: OracleNode | undefined;
  #epoch: string | undefined;
  /** The first position that is owed is greater. */
  start: number | undefined;
  #position = 0;
  #held: (RoomMessage | Told)[] | undefined;
  resumes = 0;
  isHeld = false;

  constructor(rooms: readonly string[], anyNode: () => OracleNode) {
    this.#rooms = rooms;
    this.#anyNode = anyNode;
  }

  get rooms(): readonly string[] {
    return this.#rooms;
  }

  get isLive(): boolean {
    return this.#node !== undefined && this.#held === undefined;
  }

  attach(): void {
    this.attachTo(this.#anyNode()).catch((error: unknown) => this.failures.push(error));
  }

  leave(): void {
    const node = this.#node;
    this.#node = this.#held = undefined;
    node?.followers.delete(this);
    for (const room of this.#rooms) node?.exit(room);
  }

  hear(message: RoomMessage): void {
    if (!message.rooms.some((room) => this.#rooms.includes(room))) return;
    if (this.#held !== undefined) this.#held.push(message);
    else if (message.position > this.#position) this.#note(message);
    // What comes late from a node that has named a later position would be seen as lost, as it should.
  }

  gap(rooms: readonly string[]): void {
    const own = rooms.filter((room) => this.#rooms.includes(room));
    if (own.length > 0) (this.#held ?? this.told).push({ kind: 'gap', rooms: own, atUs: Date.now() * 1_000 });
  }

  epochChange(epoch: string): void {
    this.gap(this.#rooms);
    if (this.#held === undefined) this.#epoch = epoch;
  }

  async attachTo(node: OracleNode): Promise<void> {
    this.#node = node;
    this.#held = [];
    const current = this.#held;
    node.followers.add(this);
    await Promise.all(this.#rooms.map((room) => node.enter(room)));
    if (this.#held !== current) return;
    if (this.#epoch === undefined) {
      this.#epoch = node.broker.epoch;
      this.#position = node.broker.position;
      this.start = this.#position;
    } else {
      const page = await node.broker.read(this.#rooms, this.#position);
      if (this.#held !== current) return;
      this.#replay(page);
      this.resumes++;
    }
    this.#held = undefined;
    for (const held of current) {
      if ('kind' in held) this.told.push(held);
      else this.hear(held);
    }
  }

  #replay(page: HistoryPage): void {
    const lost = page.epoch === this.#epoch ? page.incompleteRooms : this.#rooms;
    if (lost.length > 0) this.told.push({ kind: 'gap', rooms: lost, atUs: Date.now() * 1_000 });
    this.#epoch = page.epoch;
    for (const message of page.messages) this.#note(message);
    this.#position = Math.max(this.#position, page.position);
  }

  #note({ data, rooms, position }: RoomMessage): void {
    this.#position = position;
    this.told.push({ kind: 'event', text: data, rooms, position });
  }
}
