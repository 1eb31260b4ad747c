import { encodeEvent } from './encode-event.js';
import { formatStreamPosition } from './stream-position.js';
import { formatPosition, type EarlierCopy, type Position } from './position.js';
import { SseFrame } from './sse-frame.js';

/** A published event as text: identical on every node. */
export interface RoomEvent {
  /** The event's name. Default: none; a browser then fires `message`. */
  readonly event?: string | undefined;
  readonly data: string;
  /** `true` if the serializer created `data`, `false` if the publisher passed a string. */
  readonly serialized: boolean;
}

/** The rooms, position and delivery options that a broker adds to an event. */
export interface RoomDelivery {
  readonly rooms: readonly string[];
  readonly epoch: string;
  /** 0 for an event without a position: presence events, and volatile events of some brokers. */
  readonly position: Position;
  /** `true` if the event is in history, so that a client can resume it. Only such events carry an `id:`. */
  readonly replayable: boolean;
  readonly volatile?: boolean;
  /** Clients that do not receive the event: client ids, and `user:` followed by a user name. */
  readonly except?: readonly string[] | undefined;
  /** Earlier copies in other partitions. A client that receives one of them does not receive this one. */
  readonly copies?: readonly EarlierCopy[] | undefined;
  /** Trace context of the publisher. Default: none. */
  readonly trace?: Readonly<Record<string, string>> | undefined;
}

/** An event delivered by the broker to the clients of its rooms. Each node encodes its frame once, at the first use. */
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
  readonly trace: Readonly<Record<string, string>> | undefined;
  /** Index of the partition that delivered the event; set by the node if the broker has partitions. @internal */
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
    this.trace = delivery.trace;
  }

  /** The event's `id:`; `undefined` if it is not replayable. Clients with rooms in several partitions get a longer one. */
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
    // With partitions, each stream adds an id of its own, with its positions in all of them.
    const id = this.partition === undefined ? this.id : undefined;
    return new SseFrame(encodeEvent({ id, event: this.event, data: this.data }), {
      position: this.replayable ? this.position : 0,
      volatileKey: this.volatile ? `${this.rooms.join('\n')}\n\n${this.event ?? ''}` : undefined,
      idLength: id === undefined ? 0 : 'id: \n'.length + id.length,
      epoch: this.epoch,
      partition: this.partition,
      copies: this.copies,
      rooms: this.rooms,
    });
  }
}
