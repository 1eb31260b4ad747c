import { checkCallOptions, checkedElsewhere } from '../protocol/input/option-checks.js';
import { SseError } from '../protocol/sse-error.js';

/** Options of `@OnRoom`. */
export interface OnRoomOptions {
  /** The name of the events to receive. Default: all, those without a name included. */
  readonly event?: string;
  /**
   * `'own'`: the method receives events that this node publishes, so that each is received once in a cluster, on the node that published it.
   * `'all'`: it receives the events of all nodes, on each node; the room is then one name, without `*` and parameters. Default: `'own'`.
   */
  readonly nodes?: 'own' | 'all';
}

/** One `@OnRoom`. */
export interface ListeningMethod extends OnRoomOptions {
  readonly room: string;
}

/** Metadata of a method: a list of `ListeningMethod`. */
export const ON_ROOM = 'nestjs-simple-sse:on-room';

const OPTIONS = {
  event: (value: unknown) => (typeof value === 'string' ? undefined : 'a name of events'),
  nodes: (value: unknown) => (value === 'own' || value === 'all' ? undefined : `'own' or 'all'`),
};

/**
 * Makes a method of a provider or controller receive events, with an `SseMessage` as its argument: `{ room, event, data, id }`, after
 * the broker has accepted the event. Received are events of `broadcast`, `to`, `publishFrom`, `@BroadcastsTo` and the HTTP API, and no
 * `send`. What the method throws is reported; a promise that it returns is not waited for. Repeatable.
 *
 * ```ts
 * @OnRoom('orders/*', { event: 'paid' })
 * async onPaid({ room, data }: SseMessage<OrderEvents>): Promise<void> { … }
 * ```
 *
 * @param room a name, in which `*` stands for any characters and `:id` for some without a slash; `*` is every room
 * @throws SseError `invalid-arguments`, where it is written; `invalid-options` at start-up on a request-scoped class
 */
export function OnRoom(room: string, options: OnRoomOptions = {}): MethodDecorator {
  checkCallOptions('@OnRoom()', options, { ...OPTIONS, room: checkedElsewhere });
  if (typeof room !== 'string' || room === '') {
    throw new SseError('invalid-arguments', '@OnRoom() takes the name of a room, or a pattern of names.');
  }
  if (options.nodes === 'all' && /\*|:[A-Za-z_]/.test(room)) {
    throw new SseError(
      'invalid-arguments',
      `@OnRoom(${JSON.stringify(room)}) with nodes: 'all' needs one name: this node asks the broker for each room that it receives. Leave out nodes, or name the room.`,
    );
  }
  return (_target, _key, descriptor) => {
    const method = descriptor.value as object;
    const earlier = (Reflect.getMetadata(ON_ROOM, method) ?? []) as readonly ListeningMethod[];
    Reflect.defineMetadata(ON_ROOM, [...earlier, { ...options, room }], method);
  };
}
