import { inspect, isDeepStrictEqual } from 'node:util';
import { didYouMean } from '../../protocol/did-you-mean.js';
import { describeValue } from '../../protocol/error-text.js';
import { trueOrFalse } from '../../protocol/input/option-checks.js';
import { checkReplay, type Replay } from '../../protocol/input/replay-option.js';
import type { RetryTime } from '../../protocol/input/retry-time.js';
import { SseError } from '../../protocol/sse-error.js';
import { SSE_ROOM_METADATA } from '../../sse.constants.js';
import type { RoomSource, RoutedRequest } from '../room-names.js';
import type { RunMetadata } from '../runs/run-metadata.js';
import { checkSnapshot, type SseSnapshot } from '../snapshot/snapshot-option.js';

/** Options of one endpoint. They override the module's options. */
export interface SseRoomOptions<Request = RoutedRequest> {
  /**
   * `true` holds the headers back until the first event, so that a source that fails before it is answered with an HTTP
   * status. Heartbeats begin when the stream opens: a proxy may cut a request that waits longer than its idle timeout.
   * `false` opens the stream one turn of the event loop after the handler, with its promise, has returned. Default:
   * `false`.
   */
  readonly openOnFirstEvent?: boolean;
  /**
   * `true` ends the stream when the Observable or iterable of the handler ends; a native `EventSource` then reconnects.
   * `false` leaves it open. Default: `true` for a client that is in no room at that time, else `false`.
   */
  readonly endOnComplete?: boolean;
  /**
   * The reconnection time in milliseconds that the stream begins with (HTML standard, 9.2.6: field `retry`). 0 reconnects
   * without delay; `false` sends none; of a range `{ minMs, maxMs }` each client is given a random one. Default: the module's
   * `retryMs`.
   */
  readonly retryMs?: RetryTime | false;
  /**
   * The events of history that a stream without a `Last-Event-ID` begins with, from all of its rooms: the newest n of each
   * room, `'all'`, or the newest n of each event name of a room. Every later event follows, none twice. They carry no `id:`;
   * a client that is cut before the last of them receives them again. Bounded by the history of the rooms. A client that
   * comes back with a `Last-Event-ID` receives what it missed instead. 0 sends none. Default: 0.
   *
   * ```ts
   * @SseRoom('prices', { replay: { perEventName: 1 } })
   * ```
   */
  readonly replay?: Replay;
  /**
   * Loads the state of the rooms, with which a stream without a `Last-Event-ID` begins. It is sent as the event `snapshot`, or
   * as the message that the function returns (`{ type, data }`). Every event published after the start of the load follows, in
   * order and once, so no event is missing between the state and the events. The state may have some of them already, so
   * events should say what is now, not what has changed. After an `sse:gap` it is loaded and sent again; a client that
   * resumes without a gap receives what it missed instead.
   *
   * The function is called after the handler has returned. Its failure is the answer to the request (`NotFoundException`: 404);
   * on an open stream it ends the stream with `sse:error`, as one of the handler's source does. Not with `replay`. Default: none.
   *
   * ```ts
   * @SseRoom('orders/:id', {
   *   snapshot: ({ params }, controller: OrdersController) => controller.orders.find(params['id']),
   * })
   * ```
   */
  readonly snapshot?: SseSnapshot<Request>;
  /**
   * `false` writes nothing but the values of the handler: no `sse:error`, `retry` (unless `retryMs` is set here) and heartbeat, for
   * clients of other protocols. A source that fails after the stream has opened then cuts the connection. Not on a route with a
   * room. Default: `true`.
   */
  readonly control?: boolean;
  /**
   * `true` sends the stream with `Content-Encoding: gzip` to clients that accept it (RFC 9110, 12.5.3). An event is compressed
   * once for all of them; one of fewer than 300 bytes is sent as it is. Leave it off where an event has a secret beside text
   * that a stranger can choose: the length of the compressed event tells about the secret (BREACH). Default: `false`.
   *
   * ```ts
   * @SseRoom('prices', { compress: true })
   * ```
   */
  readonly compress?: boolean;
}

/** Metadata of `@SseRoom` on a method or a controller. */
export interface SseRoomMetadata extends SseRoomOptions<never> {
  readonly sources: readonly RoomSource<never>[];
  /** Set by `@SseRun` and `@SseRunTail`. */
  readonly run?: RunMetadata;
}

const OPTIONS: readonly (keyof SseRoomOptions)[] = [
  'openOnFirstEvent',
  'endOnComplete',
  'retryMs',
  'replay',
  'snapshot',
  'control',
  'compress',
];

/** @throws SseError `invalid-options` */
export function checkRoomOptions(options: object): void {
  const unknown = Object.keys(options).find((name) => !(OPTIONS as readonly string[]).includes(name));
  const { replay, snapshot, control, compress } = options as SseRoomOptions<never>;
  checkOption('replay', replay, checkReplay);
  checkOption('snapshot', snapshot, checkSnapshot);
  checkOption('control', control, trueOrFalse);
  checkOption('compress', compress, trueOrFalse);
  if (unknown === undefined) return;
  throw new SseError(
    'invalid-options',
    `@SseRoom() has no option "${unknown}".${didYouMean(unknown, OPTIONS)}`,
  );
}

function checkOption(name: string, value: unknown, check: (value: unknown) => string | undefined): void {
  const expected = value === undefined ? undefined : check(value);
  if (expected === undefined) return;
  throw new SseError(
    'invalid-options',
    `The option "${name}" of @SseRoom() is ${expected}, not ${describeValue(value)}.`,
  );
}

/**
 * Adds the arguments of one `@SseRoom`. Decorators run from the bottom up, so earlier calls are later in the source.
 *
 * @throws SseError `invalid-options` for an option that an earlier `@SseRoom` of the same target sets to another value
 */
export function addRoomMetadata(target: object, added: SseRoomMetadata): void {
  const earlier = Reflect.getOwnMetadata(SSE_ROOM_METADATA, target) as SseRoomMetadata | undefined;
  for (const name of OPTIONS) {
    const [upper, lower] = [added[name], earlier?.[name]];
    if (upper === undefined || lower === undefined || isDeepStrictEqual(upper, lower)) continue;
    throw new SseError(
      'invalid-options',
      `Two @SseRoom() of ${(target as { name?: string }).name ?? 'one target'} set "${name}" to ${inspect(upper)} and ` +
        `${inspect(lower)}. Set it in one of them.`,
    );
  }
  const sources = [...added.sources, ...(earlier?.sources ?? [])];
  // An option that is `undefined` is not set.
  const set = Object.fromEntries(Object.entries(added).filter(([, value]) => value !== undefined));
  Reflect.defineMetadata(SSE_ROOM_METADATA, { ...earlier, ...set, sources }, target);
}

/** Metadata of an endpoint: options of the method override those of the controller, rooms of both are joined. */
export function roomMetadataOf(controller: object, handler: object): SseRoomMetadata {
  const onController = Reflect.getMetadata(SSE_ROOM_METADATA, controller) as SseRoomMetadata | undefined;
  const onMethod = Reflect.getMetadata(SSE_ROOM_METADATA, handler) as SseRoomMetadata | undefined;
  const sources = [...(onController?.sources ?? []), ...(onMethod?.sources ?? [])];
  return { ...onController, ...onMethod, sources };
}
