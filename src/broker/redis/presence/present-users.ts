import type { PresentUser } from '../../presence-store.interface.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';

/**
 * Puts together what the nodes have in a room.
 *
 * @param reply `<node> <user>` and `<connections> <milliseconds> <info>`, one after the other
 */
export function presentUsers(reply: RedisReply): PresentUser[] {
  const texts = reply as readonly string[];
  const users = new Map<string, PresentUser & { readonly setMs: number }>();
  for (let n = 0; n + 1 < texts.length; n += 2) {
    const user = after(texts[n] as string, ' ');
    const [, connections, ms, info] = /^(\d+) (\d+) ([^]*)$/.exec(texts[n + 1] as string) ?? [];
    // Anybody with access to Redis may write there.
    if (connections === undefined) continue;
    const known = users.get(user);
    const setMs = Number(ms);
    const isNewer =
      known === undefined || setMs > known.setMs || (setMs === known.setMs && known.info === undefined);
    users.set(user, {
      user,
      connections: Number(connections) + (known?.connections ?? 0),
      info: isNewer ? info || undefined : known.info,
      setMs: Math.max(setMs, known?.setMs ?? 0),
    });
  }
  return Array.from(users.values(), ({ user, connections, info }) => ({ user, connections, info }));
}

function after(text: string, mark: string): string {
  return text.slice(text.indexOf(mark) + mark.length);
}
