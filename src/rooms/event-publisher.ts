import type { PublishOptions } from '../broker/broker.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { encodeEvent, type SseFields } from '../protocol/encode-event.js';
import { checkEventId } from '../protocol/event-fields.js';
import { serializeData, type SerializeData } from '../protocol/serialize-data.js';
import { SseError } from '../protocol/sse-error.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { eventArguments } from './event-arguments.js';
import type { Partitions } from './partitions.js';
import type { RoomPolicy } from './room-policy.js';

/** How an event goes to one client. */
export interface SendOptions {
  /** The application's own event id; only on streams without rooms, where it is not the client's position. */
  readonly id?: string | number;
  /** The newest state matters, not each step: for a client that does not read, the newest of each event name waits. */
  readonly volatile?: boolean;
}

export interface SendTraits {
  readonly volatileKey?: string | undefined;
  /** As in `ClientConnection.push`. */
  readonly bounded?: boolean;
}

/** From what an application says to what a client or the broker gets. */
export class EventPublisher {
  readonly #partitions: Partitions;
  readonly #policy: RoomPolicy;
  readonly #serialize: SerializeData;

  constructor(partitions: Partitions, options: { policy: RoomPolicy; serialize: SerializeData }) {
    this.#partitions = partitions;
    this.#policy = options.policy;
    this.#serialize = options.serialize;
  }

  /** Sends `[event], data, options` to one client. @returns whether it was accepted */
  send(client: SseClient, parts: readonly unknown[]): boolean {
    const { event, data, options } = eventArguments<SendOptions>('send', parts);
    const fields = {
      event,
      id: checkEventId(options.id),
      data: serializeData(data, this.#serialize, event).data,
    };
    return this.sendFields(client, fields, {
      volatileKey: options.volatile === true ? `\n\n${event ?? ''}` : undefined,
    });
  }

  /** Sends checked fields to one client. */
  sendFields(client: SseClient, fields: SseFields, { volatileKey, bounded }: SendTraits = {}): boolean {
    if (fields.id !== undefined && client.tracksPosition) {
      throw new SseError(
        'id-not-allowed',
        'On a stream with rooms the event id is the position that a resume needs. Put your own id into the data.',
      );
    }
    return client.connection.deliver(new SseFrame(encodeEvent(fields), { volatileKey }), bounded);
  }

  /** Publishes `[event], data, options`. @returns the event's `id:`, where a resume can bring it back */
  async publish(rooms: readonly string[], parts: readonly unknown[]): Promise<string | undefined> {
    const { event, data, options } = eventArguments<PublishOptions>('broadcast', parts);
    const text = serializeData(data, this.#serialize, event);
    if (rooms.length === 0) return undefined;
    const volatile = options.volatile ?? rooms.every((room) => this.#policy.isVolatile(room));
    const place = await this.#partitions.publish(rooms, { event, ...text }, { ...options, volatile });
    return place && this.#partitions.format(place);
  }
}
