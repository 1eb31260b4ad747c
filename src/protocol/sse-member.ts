import type { JsonValue } from './json-value.js';

/** A user with at least one stream in a room, or whose last stream there ended less than `presenceGraceMs` ago. */
export interface SseMember {
  readonly user: string;
  /** The `info` that `identify` returned for the newest of the user's streams; absent where it returned none. */
  readonly info?: JsonValue;
  /** Streams of the user in the room, over all nodes. 0 from the end of the last one until `presenceGraceMs` is over. */
  readonly connections: number;
}
