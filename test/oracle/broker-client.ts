import type { HistoryPage, RoomMessage } from 'nestjs-simple-sse';
import type { BrokerNode, NodeClient } from './broker-node.js';
import type { ReceivedItem } from './judge.js';
import type { TrafficClient } from './traffic-client.js';

/**
 * A client as the SSE hub implements one: it receives its rooms through a node, resumes on any node from its last
 * position, and receives a gap for what it may have missed. Events that arrive during the replay wait for its end.
 */
export class BrokerClient implements TrafficClient, NodeClient {
  readonly rooms: readonly string[];
  readonly received: ReceivedItem[] = [];
  readonly isComplete = true;
  readonly failures: unknown[] = [];
  start: ReadonlyMap<number, number> | undefined;
  resumes = 0;
  isHeld = false;
  readonly #anyNode: () => BrokerNode;
  #node: BrokerNode | undefined;
  #epoch: string | undefined;
  #position = 0;
  /** Items that arrived during the replay; `undefined` while there is none. */
  #waiting: (RoomMessage | ReceivedItem)[] | undefined;

  constructor(rooms: readonly string[], anyNode: () => BrokerNode) {
    this.rooms = rooms;
    this.#anyNode = anyNode;
  }

  get isLive(): boolean {
    return this.#node !== undefined && this.#waiting === undefined;
  }

  attach(): void {
    const attached = this.attachTo(this.#anyNode());
    const waiting = this.#waiting;
    // The read of a client that has detached meanwhile may still be repeated when its node closes.
    attached.catch((error: unknown) => {
      if (this.#waiting === waiting) this.failures.push(error);
    });
  }

  detach(): void {
    const node = this.#node;
    this.#node = this.#waiting = undefined;
    node?.clients.delete(this);
    for (const room of this.rooms) node?.leave(room);
  }

  receive(message: RoomMessage): void {
    if (!message.rooms.some((room) => this.rooms.includes(room))) return;
    if (this.#waiting !== undefined) this.#waiting.push(message);
    // An event that a node delivers after a later position is dropped, and the judge counts it as lost.
    else if (message.position > this.#position) this.#note(message);
  }

  receiveGap(rooms: readonly string[]): void {
    const ownRooms = rooms.filter((room) => this.rooms.includes(room));
    if (ownRooms.length > 0) (this.#waiting ?? this.received).push(gapIn(ownRooms));
  }

  receiveEpoch(epoch: string): void {
    this.receiveGap(this.rooms);
    if (this.#waiting === undefined) this.#epoch = epoch;
  }

  async attachTo(node: BrokerNode): Promise<void> {
    this.#node = node;
    const waiting: (RoomMessage | ReceivedItem)[] = [];
    this.#waiting = waiting;
    node.clients.add(this);
    await Promise.all(this.rooms.map((room) => node.join(room)));
    if (this.#waiting !== waiting) return;
    if (this.#epoch === undefined) {
      this.#epoch = node.broker.epoch;
      this.#position = node.broker.position;
      this.start = new Map([[0, this.#position]]);
    } else {
      const page = await node.broker.read(this.rooms, this.#position);
      if (this.#waiting !== waiting) return;
      this.#replay(page);
      this.resumes++;
    }
    this.#waiting = undefined;
    for (const item of waiting) {
      if ('kind' in item) this.received.push(item);
      else this.receive(item);
    }
  }

  #replay(page: HistoryPage): void {
    const lost = page.epoch === this.#epoch ? page.incompleteRooms : this.rooms;
    if (lost.length > 0) this.received.push(gapIn(lost));
    this.#epoch = page.epoch;
    for (const message of page.messages) this.#note(message);
    this.#position = Math.max(this.#position, page.position);
  }

  #note({ data, position }: RoomMessage): void {
    this.#position = position;
    this.received.push({ kind: 'event', key: data, position });
  }
}

/** Positions are microseconds since 1970: a gap covers every event published until now. */
function gapIn(rooms: readonly string[]): ReceivedItem {
  const nowUs = Date.now() * 1_000;
  return { kind: 'gap', rooms, until: () => nowUs };
}
