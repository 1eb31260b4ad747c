import type { PresentUser } from '../../presence-store.interface.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';

/**
 * Merges the presence of all nodes in a room: adds up the connections of a user and takes the newest info.
 *
 * @param reply alternating `<node> <user>` and `<connections> <milliseconds> <info>`; malformed entries are skipped
 */
export function presentUsers(reply: RedisReply): PresentUser[] {
  const texts = reply as readonly string[];
  const users = new Map<string, PresentUser & { readonly setMs: number }>();
  for (let n = 0; n + 1 < texts.length; n += 2) {
    const user = textAfter(texts[n] as string, ' ');
    const [, connections, ms, info] = /^(\d+) (\d+) ([^]*)$/.exec(texts[n + 1] as string) ?? [];
    if (connections === undefined) continue;
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

function textAfter(text: string, separator: string): string {
  return text.slice(text.indexOf(separator) + separator.length);
}
