import type { PresentUser } from '../broker/presence-store.interface.js';
import type { JsonValue } from '../protocol/json-value.js';

/** A user who is in a room with at least one stream, or was until a moment ago. */
export interface SseMember {
  readonly user: string;
  /** What `identify` said of the user, where it said something: for the newest of its streams. */
  readonly info?: JsonValue;
  /** How many streams it has in the room, over all nodes. 0 where the last has just ended and the user may come back. */
  readonly connections: number;
}

export function toMember({ user, info, connections }: PresentUser): SseMember {
  const parsed = info === undefined ? undefined : parse(info);
  return parsed === undefined ? { user, connections } : { user, info: parsed, connections };
}

function parse(json: string): JsonValue | undefined {
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    // Anybody with access to the broker may write there.
    return undefined;
  }
}
