import type { PresentUser } from '../../presence-store.interface.js';
import { checkUser } from '../../../protocol/input/user-name.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';

/**
 * Merges the presence of all nodes in a room: adds up the connections of a user and takes the newest info.
 *
 * @param reply alternating `<node> <user>` and `<connections> <milliseconds> <info>`
 * @param onMalformed called for each malformed entry, which is skipped
 */
export function presentUsers(reply: RedisReply, onMalformed: () => void): PresentUser[] {
  const texts = reply as readonly string[];
  const users = new Map<string, PresentUser & { readonly setMs: number }>();
  for (let n = 0; n + 1 < texts.length; n += 2) {
    const [, user] = /^[^ ]+ ([^]*)$/.exec(texts[n] as string) ?? [];
    const [, connections, ms, info = ''] = /^(\d{1,9}) (\d{1,15}) ([^]*)$/.exec(texts[n + 1] as string) ?? [];
    if (user === undefined || connections === undefined || !isUser(user) || !isInfo(info)) {
      onMalformed();
      continue;
    }
    const existing = users.get(user);
    const setMs = Number(ms);
    const isNewer =
      existing === undefined ||
      setMs > existing.setMs ||
      (setMs === existing.setMs && existing.info === undefined);
    users.set(user, {
      user,
      connections: Number(connections) + (existing?.connections ?? 0),
      info: isNewer ? info || undefined : existing.info,
      setMs: Math.max(setMs, existing?.setMs ?? 0),
    });
  }
  return Array.from(users.values(), ({ user, connections, info }) => ({ user, connections, info }));
}

function isUser(name: string): boolean {
  try {
    return checkUser(name) === name;
  } catch {
    return false;
  }
}

/** Returns `true` for JSON, and for the empty text of a user without info. */
function isInfo(text: string): boolean {
  if (text === '') return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
