import { encodeEvent } from './encode-event.js';
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

/** Where and how a broker delivers an event. */
export interface RoomDelivery {
  readonly rooms: readonly string[];
  readonly epoch: string;
  /** 0 for an event outside the order (volatile through some brokers). */
  readonly position: Position;
  /** Whether a resume can bring it back; only such events carry an `id:`. */
  readonly kept: boolean;
  readonly volatile?: boolean;
  /** Ids of clients that are left out. */
  readonly except?: readonly string[] | undefined;
}

/** One event on its way from the broker to the clients of its rooms. Its frame is made once a node, when first needed. */
export class RoomMessage implements RoomEvent, RoomDelivery {
  readonly event: string | undefined;
  readonly data: string;
  readonly serialized: boolean;
  readonly rooms: readonly string[];
  readonly epoch: string;
  readonly position: Position;
  readonly kept: boolean;
  readonly volatile: boolean;
  readonly except: readonly string[] | undefined;
  #frame: SseFrame | undefined;

  constructor(event: RoomEvent, delivery: RoomDelivery) {
    this.event = event.event;
    this.data = event.data;
    this.serialized = event.serialized;
    this.rooms = delivery.rooms;
    this.epoch = delivery.epoch;
    this.position = delivery.position;
    this.kept = delivery.kept;
    this.volatile = delivery.volatile ?? false;
    this.except = delivery.except;
  }

  /** The event's `id:`, where a resume can bring it back. */
  get id(): string | undefined {
    return this.kept ? formatPosition(this.epoch, this.position) : undefined;
  }

  get frame(): SseFrame {
    this.#frame ??= this.#encode();
    return this.#frame;
  }

  #encode(): SseFrame {
    const id = this.id;
    return new SseFrame(encodeEvent({ id, event: this.event, data: this.data }), {
      position: this.kept ? this.position : 0,
      volatileKey: this.volatile ? `${this.rooms.join('\n')}\n\n${this.event ?? ''}` : undefined,
      idLength: id === undefined ? 0 : 'id: \n'.length + id.length,
    });
  }
}
