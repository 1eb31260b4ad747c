import type { RoomName } from '../protocol/input/room-name.js';

/** Returns the rooms of a result; `undefined`, `null` or `[]` publishes nothing. */
export type RoomsOfResult<Result, Args extends readonly unknown[]> = (
  result: Result,
  args: Args,
) => RoomName | readonly RoomName[] | null | undefined;

/** Options of `@BroadcastsTo`. */
export interface BroadcastsToOptions<Result = unknown, Args extends readonly unknown[] = never[]> {
  /** Returns the data of the event. Default: the result; `null` for a method that returns nothing. */
  readonly data?: (result: Result, args: Args) => unknown;
  /** As in `broadcast`. Default: that of the rooms. */
  readonly volatile?: boolean;
  /**
   * `true`: a promise of the method settles, and an Observable completes, when the event is accepted, and a failure of the publish is
   * theirs. `false`: the method's result is never lost or late; a failure is reported. Without effect on other results. Default: `false`.
   */
  readonly awaitPublish?: boolean;
}

/** What one `@BroadcastsTo` publishes. */
export interface PublishedResult {
  /** The method, such as `Orders.pay()`. */
  readonly label: string;
  readonly room: RoomName | readonly RoomName[] | RoomsOfResult<never, never>;
  readonly event: string | undefined;
  readonly options: BroadcastsToOptions<never>;
}
