import type { MissingAcknowledgement } from '../../protocol/input/acknowledge.js';
import { CHANNELS } from '../../channels/channels.js';
import type { PublishOptions } from '../../broker/broker.interface.js';
import type { SseClient } from '../../connection/sse-client.js';
import type { SseMetrics } from '../../metrics/sse-metrics.interface.js';
import type { RoomEvent } from '../../protocol/room-message.js';
import { encodeEvent, type SseFields } from '../../protocol/encode-event.js';
import { checkEventId } from '../../protocol/input/event-fields.js';
import { isInternalRoom } from '../../protocol/input/room-name.js';
import { serializeData, type SerializeData } from '../../protocol/input/serialize-data.js';
import { SseError } from '../../protocol/sse-error.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import { BROADCAST_CHECKS, REMOTE_SEND_CHECKS, SEND_CHECKS } from './call-arguments.js';
import { checkEventBytes } from './event-size.js';
import { eventArguments } from './event-arguments.js';
import type { NodeTracing } from '../../tracing/node-tracing.js';
import type { TraceContext } from '../../tracing/sse-tracing.interface.js';
import type { Partitions } from '../partitions/partitions.js';
import type { PublishedCopies } from '../partitions/publish-copies.js';
import type { RoomPolicy } from '../room-policy.js';

/** Options of `send`. */
export interface SendOptions {
  /** An event id of the application. Only on streams without rooms: elsewhere the id is the client's position. */
  readonly id?: string | number;
  /**
   * True if only the newest event of its name matters: while the client does not read, a newer one replaces a queued one.
   * Default: `false`.
   */
  readonly volatile?: boolean;
}

/** Options of `send` to clients of all nodes. */
interface RemoteSendOptions extends Pick<SendOptions, 'volatile'> {
  readonly timeoutMs?: number;
}

/** A validated event for clients of all nodes, and the longest wait for their nodes. */
export interface RemoteEvent extends RemoteSendOptions {
  readonly event: string | undefined;
  readonly data: string;
}

/** Delivery options of a frame. */
export interface SendTraits {
  readonly volatileKey?: string | undefined;
  /** As in `ClientConnection.push`. */
  readonly bounded?: boolean;
}

/** Validated rooms, and the `[event], data, options` that go to them. */
export interface EventToPublish {
  readonly rooms: readonly string[];
  readonly parts: readonly unknown[];
}

function notAcknowledged({ replicas, confirmedBy, cause }: MissingAcknowledgement): SseError {
  const reason = cause === undefined ? '' : ` (${cause.message})`;
  return new SseError(
    'not-acknowledged',
    `The event is published, but ${confirmedBy} of ${replicas} replicas confirmed it in time${reason}. It is lost if the ` +
      'server fails before they have it. Check the replicas; a retry with the same `idempotencyKey` publishes nothing twice, and waits again.',
    { cause },
  );
}

/** Compares events with those that an application has defined. */
export interface PublishedEventCheck {
  publish(rooms: readonly string[], event: string | undefined, data: unknown): void;
  send(event: string | undefined, data: unknown): void;
  /** Compares a room and a name without data. */
  defines(room: string, event: string | undefined): void;
}

/** An event that the broker has accepted. */
export interface PublishedEvent extends RoomEvent {
  readonly rooms: readonly string[];
  readonly id: string | undefined;
}

export interface PublisherOptions {
  /** Default: none. */
  readonly tracing?: NodeTracing | undefined;
  /** Default: none. */
  readonly metrics?: Pick<SseMetrics, 'eventPublished' | 'eventSent'>;
  readonly policy: RoomPolicy;
  readonly serialize: SerializeData;
  /** Default: none. */
  readonly eventCheck?: PublishedEventCheck | undefined;
  /** Default: no limit. */
  readonly limits?: { readonly maxEventBytes: number | false };
}

/** Validates and serializes application events, then sends them to a client or publishes them to the broker. */
export class EventPublisher {
  readonly #partitions: Partitions;
  readonly #policy: RoomPolicy;
  readonly #serialize: SerializeData;
  readonly #maxEventBytes: number | false;
  readonly #metrics: Pick<SseMetrics, 'eventPublished' | 'eventSent'>;
  readonly #tracing: NodeTracing | undefined;
  readonly #check: PublishedEventCheck | undefined;
  /** Receives each event of the application that this node has published. */
  onPublished: ((event: PublishedEvent) => void) | undefined;

  constructor(partitions: Partitions, options: PublisherOptions) {
    this.#tracing = options.tracing;
    this.#check = options.eventCheck;
    this.#partitions = partitions;
    this.#policy = options.policy;
    this.#serialize = options.serialize;
    this.#maxEventBytes = options.limits?.maxEventBytes ?? false;
    this.#metrics = options.metrics ?? {};
  }

  /** Sends `[event], data, options` to one client. @returns whether the client accepted the event */
  send(client: SseClient, parts: readonly unknown[]): boolean {
    const { event, data, options } = eventArguments<SendOptions>('send', parts, SEND_CHECKS);
    this.#check?.send(event, data);
    const fields = {
      event,
      id: checkEventId(options.id),
      data: serializeData(data, this.#serialize, event).data,
    };
    return this.sendFields(client, fields, {
      volatileKey: options.volatile === true ? `\n\n${event ?? ''}` : undefined,
    });
  }

  /**
   * Validates and serializes the `[event], data, options` of a `send` to clients of all nodes.
   *
   * @throws SseError `invalid-data`, `invalid-event-name`, `invalid-arguments`
   */
  remoteEvent(parts: readonly unknown[]): RemoteEvent {
    const { event, data, options } = eventArguments<RemoteSendOptions>('send', parts, REMOTE_SEND_CHECKS);
    this.#check?.send(event, data);
    const text = serializeData(data, this.#serialize, event).data;
    checkEventBytes(text, this.#maxEventBytes);
    return { event, data: text, ...options };
  }

  /**
   * Sends validated fields to one client.
   *
   * @throws SseError `event-too-large`; `id-not-allowed` for an id on a stream whose ids are positions
   */
  sendFields(client: SseClient, fields: SseFields, { volatileKey, bounded }: SendTraits = {}): boolean {
    checkEventBytes(fields.data, this.#maxEventBytes);
    if (fields.id !== undefined && client.connection.tracksPosition) {
      throw new SseError(
        'id-not-allowed',
        'On a stream with rooms the event id is the position that a resume needs. Put your own id into the data.',
      );
    }
    const frame = new SseFrame(encodeEvent(fields), { volatileKey });
    const isAccepted = client.connection.deliver(frame, bounded);
    if (isAccepted) this.#metrics.eventSent?.(frame.bytes.length);
    return isAccepted;
  }

  /** Compares a room and an event name with those that the application has defined. */
  checkDefined(room: string, event: string | undefined): void {
    this.#check?.defines(room, event);
  }

  /** Publishes an event. @returns the event's `id:`, or `undefined` for an event that cannot be replayed */
  async publish(event: EventToPublish): Promise<string | undefined> {
    return this.prepare(event)();
  }

  /**
   * Validates and serializes an event.
   *
   * @returns publishes it, as `publish`
   * @throws SseError for everything that is wrong with the event itself
   */
  prepare({ rooms, parts }: EventToPublish): () => Promise<string | undefined> {
    const { event, data, options } = eventArguments<Pick<PublishOptions, keyof typeof BROADCAST_CHECKS>>(
      'broadcast',
      parts,
      BROADCAST_CHECKS,
    );
    const isInternal = rooms.some(isInternalRoom);
    if (!isInternal) this.#check?.publish(rooms, event, data);
    const text = serializeData(data, this.#serialize, event);
    // The limit is for events of the application.
    if (!isInternal) checkEventBytes(text.data, this.#maxEventBytes);
    if (rooms.length === 0) return () => Promise.resolve(undefined);
    const volatile = options.volatile ?? rooms.every((room) => this.#policy.isVolatile(room));
    if (options.acknowledge) this.#checkAcknowledge(rooms, volatile);
    return async () => {
      const publish = (trace?: TraceContext): Promise<PublishedCopies> => {
        const traced = trace === undefined ? { ...options, volatile } : { ...options, volatile, trace };
        return this.#partitions.publish(rooms, { event, ...text }, traced);
      };
      const published =
        this.#tracing === undefined || isInternal
          ? publish()
          : this.#tracing.publish({ event, rooms: rooms.length }, publish);
      const { position, missing } = await (isInternal ? published : this.#counted(published));
      const id = position && this.#partitions.format(position);
      // Also where replicas are missing: the event is published.
      if (!isInternal) this.onPublished?.({ rooms, event, ...text, id });
      if (missing !== undefined) throw notAcknowledged(missing);
      if (CHANNELS.publish.hasSubscribers) CHANNELS.publish.publish({ rooms, event, id });
      return id;
    };
  }

  async #counted<T>(publish: Promise<T>): Promise<T> {
    const { eventPublished } = this.#metrics;
    if (eventPublished === undefined) return publish;
    try {
      const result = await publish;
      eventPublished('accepted');
      return result;
    } catch (error) {
      eventPublished('failed');
      throw error;
    }
  }

  #checkAcknowledge(rooms: readonly string[], volatile: boolean): void {
    if (!rooms.every((room) => this.#partitions.of(room).acknowledges === true)) {
      throw new SseError(
        'unsupported-by-broker',
        'The broker has no replicas to wait for: take the option "acknowledge" of broadcast away, or give the broker `acknowledges`.',
      );
    }
    if (volatile || rooms.every((room) => this.#policy.limitsOf(room) === false)) {
      throw new SseError(
        'invalid-arguments',
        'The option "acknowledge" of broadcast is for stored events, and this one is volatile or in rooms without history. Take the option away.',
      );
    }
  }
}
