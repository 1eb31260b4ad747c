import { encodeEventText } from '../data/event-codec.js';
import { ephemeralMessage, roomsText } from '../data/channel-message.js';
import { presenceEvent, presenceOpening, type PresenceChange } from '../../../protocol/presence-event.js';
import { entryName, parseEntryName, type PresenceEntry } from './presence-write-queue.js';
import { IDEMPOTENT, type RedisPresenceContext } from './redis-presence-context.js';
import { LEFTOVERS_SCRIPT, WRITE_SCRIPT } from './presence-scripts.js';

/** Most entries in one call, which blocks Redis while it runs. */
export const MAX_ENTRIES_PER_CALL = 100;

/** Returns the part of a join or leave message that precedes its data. */
function messageHeader(type: PresenceChange['type']): string {
  const { event, serialized } = presenceEvent(type, '', '', undefined);
  return ephemeralMessage(roomsText(['']), encodeEventText({ event, serialized, data: '' }, {}));
}

const JOIN_HEADER = messageHeader('join');
const LEAVE_HEADER = messageHeader('leave');

/**
 * Writes presence entries of a node.
 *
 * @param writeNumber greater than the number of any earlier write under this name; `undefined` removes entries of an
 * expired node
 * @returns `false` if the lease does not permit the write: expired for an own write, still held for a clean-up
 */
export async function writePresence(
  { commands, redisKeys }: RedisPresenceContext,
  node: string,
  writeNumber: number | undefined,
  entries: readonly PresenceEntry[],
): Promise<boolean> {
  const keys = [redisKeys.presenceLeases, redisKeys.presenceNode(node)];
  const args = [node, `${writeNumber ?? ''}`, JOIN_HEADER, LEAVE_HEADER];
  for (const { room, user, local } of entries) {
    keys.push(redisKeys.presenceMembers(room), redisKeys.presenceUsers(room));
    args.push(entryName(room, user), user, `${local?.connections ?? ''}`, local?.info ?? '');
    args.push(redisKeys.channel(room), presenceOpening(room, user));
  }
  return (await commands.run(WRITE_SCRIPT, keys, args, IDEMPOTENT)) === 1;
}

/**
 * Removes some entries of an expired node. Several nodes may do this at once, and each may stop at any point.
 *
 * @returns `true` if nothing is left to remove
 */
export async function cleanUpAfter(context: RedisPresenceContext, node: string): Promise<boolean> {
  const { commands, redisKeys, times } = context;
  const leftovers = await commands.run(
    LEFTOVERS_SCRIPT,
    [redisKeys.presenceLeases, redisKeys.presenceClaims, redisKeys.presenceNode(node)],
    // One more than written at once: the list may contain the empty field with the write number.
    [node, `${times.claimMs}`, `${MAX_ENTRIES_PER_CALL + 1}`],
    IDEMPOTENT,
  );
  const entries = (leftovers as readonly string[]).map(parseEntryName);
  if (entries.length === 0) return true;
  return !(await writePresence(context, node, undefined, entries));
}
