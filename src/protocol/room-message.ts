import { encodeEvent } from './encode-event.js';
import { formatStreamPosition } from './stream-position.js';
import { formatPosition, type Position } from './position.js';
import { SseFrame } from './sse-frame.js';

/** What a publisher says, as text: the same on every node. */
export interface RoomEvent {
  /** The event's name; none means `message` to a browser. */
  readonly event?: string | undefined;
  readonly data: string;
  /** `true` where `data` was made by the serializer and is not the publisher's own string. */
  readonly serialized: boolean;
}

/** An event that went to rooms of several partitions, as an earlier one of them has it. */
export interface EarlierCopy {
  readonly partition: number;
  /** 0 where it has no place in the order. */
  readonly position: Position;
  readonly rooms: readonly string[];
}

/** Where and how a broker delivers an event. */
export interface RoomDelivery {
  readonly rooms: readonly string[];
  readonly epoch: string;
  /** 0 for an event outside the order (volatile through some brokers). */
  readonly position: Position;
  /** Whether a resume can bring it back; only such events carry an `id:`. */
  readonly replayable: boolean;
  readonly volatile?: boolean;
  /** Who is left out: ids of clients, and `user:` with a user's name behind it. */
  readonly except?: readonly string[] | undefined;
  /** Where else the event went before; who hears it there does not hear it here. */
  readonly copies?: readonly EarlierCopy[] | undefined;
}

/** One event on its way from the broker to the clients of its rooms. Its frame is made once a node, when first needed. */
export class RoomMessage implements RoomEvent, RoomDelivery {
  readonly event: string | undefined;
  readonly data: string;
  readonly serialized: boolean;
  readonly rooms: readonly string[];
  readonly epoch: string;
  readonly position: Position;
  readonly replayable: boolean;
  readonly volatile: boolean;
  readonly except: readonly string[] | undefined;
  readonly copies: readonly EarlierCopy[] | undefined;
  /** Set by the node on what it hears from a broker with partitions. @internal */
  partition: number | undefined;
  #frame: SseFrame | undefined;

  constructor(event: RoomEvent, delivery: RoomDelivery) {
    this.event = event.event;
    this.data = event.data;
    this.serialized = event.serialized;
    this.rooms = delivery.rooms;
    this.epoch = delivery.epoch;
    this.position = delivery.position;
    this.replayable = delivery.replayable;
    this.volatile = delivery.volatile ?? false;
    this.except = delivery.except;
    this.copies = delivery.copies;
  }

  /** The event's `id:`, where a resume can bring it back. A client with rooms in several partitions gets a longer one. */
  get id(): string | undefined {
    if (!this.replayable) return undefined;
    if (this.partition === undefined) return formatPosition(this.epoch, this.position);
    return formatStreamPosition(new Map([[this.partition, this]]), true);
  }

  get frame(): SseFrame {
    this.#frame ??= this.#encode();
    return this.#frame;
  }

  #encode(): SseFrame {
    // Among several partitions each stream writes its own: where it stands in all of them.
    const id = this.partition === undefined ? this.id : undefined;
    return new SseFrame(encodeEvent({ id, event: this.event, data: this.data }), {
      position: this.replayable ? this.position : 0,
      volatileKey: this.volatile ? `${this.rooms.join('\n')}\n\n${this.event ?? ''}` : undefined,
      idLength: id === undefined ? 0 : 'id: \n'.length + id.length,
      epoch: this.epoch,
      partition: this.partition,
      copies: this.copies,
    });
  }
}
