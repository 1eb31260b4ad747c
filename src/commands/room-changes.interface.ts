import type { Replay } from '../protocol/input/replay-option.js';

/** Rooms that the streams of a target join and leave with one command. */
export interface RoomChanges {
  readonly join: readonly string[];
  readonly leave: readonly string[];
  readonly replay?: Replay | undefined;
}

/** A room that a stream could not join. */
export interface RefusedJoin {
  readonly room: string;
  /** HTTP status of the reason. */
  readonly status: number;
  readonly message: string;
}

/** What a node has done of a command. */
export interface ChangeOutcome {
  /** Number of streams whose rooms were changed. */
  readonly reached: number;
  readonly refused?: readonly RefusedJoin[];
}
