import type { PresentUser } from '../broker/presence-store.interface.js';
import type { JsonValue } from '../protocol/json-value.js';
import type { SseMember } from '../protocol/sse-member.js';

/** Converts an entry of the presence store. Info that is not JSON is left out. */
export function toMember({ user, info, connections }: PresentUser): SseMember {
  const parsed = info === undefined ? undefined : parse(info);
  return parsed === undefined ? { user, connections } : { user, info: parsed, connections };
}

function parse(json: string): JsonValue | undefined {
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    // Other programs with access to the broker can write invalid entries.
    return undefined;
  }
}
