import type { SseClient } from '../../connection/sse-client.js';
import { encodeEvent } from '../../protocol/encode-event.js';
import { EVERYONE } from '../../protocol/input/room-name.js';
import type { SerializeData } from '../../protocol/input/serialize-data.js';
import { SseError } from '../../protocol/sse-error.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import type { StateSnapshot } from '../../rooms/state-snapshot.interface.js';
import type { RoomHub } from '../../rooms/room-hub.js';
import { messageFields } from '../message-fields.js';
import { SharedLoads } from './shared-loads.js';
import { snapshotOptionsOf, type SseSnapshot } from './snapshot-option.js';

/** Event name of a state that is no message with a name of its own. */
const EVENT = 'snapshot';

/**
 * Time for which the head waits for the broker to deliver the client's rooms, in milliseconds. While Redis is unreachable the
 * stream opens without its state, since a proxy would answer 504 in its place, after which a native `EventSource` gives up.
 */
const SUBSCRIBED_MS = 2_000;

/** Loads that clients of one application share, by the function that loads. */
const sharedLoads = new WeakMap<RoomHub, WeakMap<object, SharedLoads<SseFrame>>>();

export interface EndpointSnapshotParts {
  readonly hub: RoomHub;
  readonly client: SseClient;
  readonly snapshot: SseSnapshot<never>;
  readonly serialize: SerializeData;
  /** Ends the stream after a load that failed while it was open. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The state of one client of an endpoint. A new client's is loaded before the head is sent, so that a failure is answered with
 * its HTTP status.
 */
export class EndpointSnapshot implements StateSnapshot {
  readonly #parts: EndpointSnapshotParts;
  #prepared: Promise<void> | undefined;
  #first: SseFrame | undefined;
  /** The instance whose method is the endpoint; `undefined` until the handler is called. */
  controller: unknown;
  /** True once the head may be sent. */
  isPrepared: boolean;

  constructor(parts: EndpointSnapshotParts) {
    this.#parts = parts;
    const { lastEventId = '' } = parts.client;
    this.isPrepared = parts.hub.hasHistory && lastEventId !== '';
  }

  /** Loads the state of a new client. @throws the error of the load: the promise rejects */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare();
    return this.#prepared;
  }

  async next(): Promise<SseFrame | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first;
    try {
      return await this.#load();
    } catch (error) {
      this.#parts.onFailure(error);
      return undefined;
    }
  }

  async #prepare(): Promise<void> {
    const { hub, client } = this.#parts;
    const pending = [EVERYONE, ...client.roomNames()].flatMap((room) => hub.whenSubscribed(room) ?? []);
    const subscribed = pending.length === 0 ? undefined : Promise.all(pending);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      if (subscribed !== undefined) timer = setTimeout(() => resolve('late'), SUBSCRIBED_MS);
    });
    const state = await Promise.race([subscribed, late]).finally(() => clearTimeout(timer));
    if (state !== 'late' && !client.isClosed) this.#first = await this.#load();
    this.isPrepared = true;
  }

  async #load(): Promise<SseFrame> {
    const { hub, client, snapshot } = this.#parts;
    const { load, shared } = snapshotOptionsOf(snapshot);
    if (!shared) return this.#frame();
    const byFunction = obtain(sharedLoads, hub, () => new WeakMap<object, SharedLoads<SseFrame>>());
    const loads = obtain(byFunction, load, () => new SharedLoads<SseFrame>());
    return loads.get(JSON.stringify(client.roomNames().toSorted()), () => this.#frame());
  }

  async #frame(): Promise<SseFrame> {
    const { client, snapshot, serialize } = this.#parts;
    const { load } = snapshotOptionsOf(snapshot);
    const { id, ...fields } = messageFields(
      await load(client.request as never, this.controller as never),
      serialize,
    );
    if (id !== undefined) {
      throw new SseError(
        'id-not-allowed',
        'A snapshot has no id of its own: the position of the stream is its id. Put your own id into the data.',
      );
    }
    return new SseFrame(encodeEvent({ ...fields, event: fields.event ?? EVENT }));
  }
}

function obtain<K extends object, V>(map: WeakMap<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}
