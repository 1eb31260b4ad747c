import { MemoryBroker } from '../../index.js';
import type {
  BrokerListener,
  HistoryPage,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  SseBroker,
} from '../../broker/broker.interface.js';
import { RoomMessage, type RoomEvent } from '../../protocol/room-message.js';

/** An event that a broker has accepted, with the options of its publisher. */
export interface RecordedPublish {
  readonly message: RoomMessage;
  readonly options: PublishOptions;
}

/**
 * Records what is published, for a service without clients. Everything but events is a memory broker's. It has no timer: what it
 * has recorded neither expires nor is trimmed.
 */
export class RecordingBroker implements SseBroker {
  readonly records: RecordedPublish[] = [];
  readonly #memory = new MemoryBroker();
  readonly epoch = this.#memory.epoch;
  readonly nodeId = this.#memory.nodeId;
  readonly presence = this.#memory.presence;
  readonly tickets = this.#memory.tickets;
  readonly sessions = this.#memory.sessions;
  readonly runs = this.#memory.runs;
  readonly acknowledges = true;
  readonly nodes = (): ReturnType<MemoryBroker['nodes']> => this.#memory.nodes();
  readonly publishControl = (text: string): Promise<number> => this.#memory.publishControl(text);
  readonly #rooms = new Set<string>();
  #policy: HistoryPolicy | undefined;
  #listener: BrokerListener | undefined;
  #position = 0;

  get position(): number {
    return this.#position;
  }

  async start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
    this.#policy = policy;
    this.#listener = listener;
    await this.#memory.start({ ...policy, limitsOf: () => false }, listener);
  }

  async publish(
    rooms: readonly string[],
    event: RoomEvent,
    options: PublishOptions,
  ): Promise<PublishReceipt> {
    const { idempotencyKey } = options;
    const known =
      idempotencyKey === undefined
        ? undefined
        : this.records.find((each) => each.options.idempotencyKey === idempotencyKey)?.message;
    if (known !== undefined) return { ...receiptOf(known), duplicate: true };
    const replayable =
      options.volatile !== true && rooms.some((room) => this.#policy?.limitsOf(room) !== false);
    const position = ++this.#position;
    const { epoch } = this;
    const message = new RoomMessage(event, { ...options, rooms, epoch, position, replayable });
    this.records.push({ message, options });
    if (rooms.some((room) => this.#rooms.has(room))) this.#listener?.onMessage(message);
    return receiptOf(message);
  }

  subscribe(room: string): void {
    this.#rooms.add(room);
  }

  async unsubscribe(room: string): Promise<void> {
    this.#rooms.delete(room);
  }

  async read(): Promise<HistoryPage> {
    return { epoch: this.epoch, position: this.#position, messages: [], incompleteRooms: [] };
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    await this.#memory.close();
  }
}

function receiptOf({ epoch, position, replayable }: RoomMessage): PublishReceipt {
  return { epoch, position, replayable, duplicate: false };
}
