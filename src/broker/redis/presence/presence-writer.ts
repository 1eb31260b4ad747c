import { encodeEventText } from '../data/event-codec.js';
import { ephemeralMessage, roomsText } from '../data/channel-message.js';
import { presenceEvent, presenceOpening, type PresenceChange } from '../../../protocol/presence-event.js';
import { entryName, parseEntryName, type PresenceEntry } from './presence-ledger.js';
import { IDEMPOTENT, type RedisPresenceContext } from './redis-presence-context.js';
import { LEFT_BEHIND_SCRIPT, WRITE_SCRIPT } from './presence-scripts.js';

/** Entries in one call: Redis does nothing else meanwhile. */
export const ENTRIES_A_CALL = 100;

/** How the message of a change in a room begins, before its data. */
function headOf(type: PresenceChange['type']): string {
  const { event, serialized } = presenceEvent(type, '', '', undefined);
  return ephemeralMessage(roomsText(['']), encodeEventText({ event, serialized, data: '' }, {}));
}

const JOIN_HEAD = headOf('join');
const LEAVE_HEAD = headOf('leave');

/**
 * Writes what a node has.
 *
 * @param number of the write, greater than all before under this name; `undefined` clears up after a node that is gone
 * @returns `false` where the lease does not allow it
 */
export async function write(
  { commands, names }: RedisPresenceContext,
  node: string,
  number: number | undefined,
  entries: readonly PresenceEntry[],
): Promise<boolean> {
  const keys = [names.presenceLeases, names.presenceNode(node)];
  const args = [node, `${number ?? ''}`, JOIN_HEAD, LEAVE_HEAD];
  for (const { room, user, here } of entries) {
    keys.push(names.presenceMembers(room), names.presenceUsers(room));
    args.push(entryName(room, user), user, `${here?.connections ?? ''}`, here?.info ?? '');
    args.push(names.channel(room), presenceOpening(room, user));
  }
  return (await commands.run(WRITE_SCRIPT, keys, args, IDEMPOTENT)) === 1;
}

/**
 * Takes away some of what a node that is gone has left behind. May be done by several nodes at once, and be broken off at
 * any point.
 *
 * @returns whether nothing is left
 */
export async function clearUp(parts: RedisPresenceContext, node: string): Promise<boolean> {
  const { commands, names, times } = parts;
  const left = await commands.run(
    LEFT_BEHIND_SCRIPT,
    [names.presenceLeases, names.presenceClaims, names.presenceNode(node)],
    [node, `${times.claimMs}`, `${ENTRIES_A_CALL + 1}`],
    IDEMPOTENT,
  );
  const entries = (left as readonly string[]).map(parseEntryName);
  if (entries.length === 0) return true;
  return !(await write(parts, node, undefined, entries));
}
