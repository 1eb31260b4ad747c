import type {
  ClaimedSession,
  SessionChange,
  SessionOutcome,
  SessionOwner,
  SessionRoom,
  SessionStore,
} from '../../session-store.interface.js';
import { unavailable } from '../link/redis-errors.js';
import type { CallOptions, CommandLink } from '../link/command-link.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import { CHANGE_SESSIONS_SCRIPT } from './session-script.js';

/** Most changes in one call, which blocks Redis while it runs. */
const MAX_CHANGES_PER_CALL = 256;

/** Each change may be repeated: it has the same effect as once. */
const REPEATABLE: CallOptions = { repeatable: true, refusable: true };

const RESULTS: readonly unknown[] = ['done', 'gone', 'taken', 'full'];

interface RedisSessionsContext {
  readonly commands: Pick<CommandLink, 'run' | 'send'>;
  readonly redisKeys: RedisKeys;
}

/** Stores sessions in Redis: one hash for each key, and a sorted set of the keys of each user. */
export class RedisSessions implements SessionStore {
  readonly joinsNow = true;
  readonly #running: () => RedisSessionsContext;

  /** @param running throws if the broker is not running */
  constructor(running: () => RedisSessionsContext) {
    this.#running = running;
  }

  async change(changes: readonly SessionChange[]): Promise<readonly SessionOutcome[]> {
    const outcomes: SessionOutcome[] = [];
    for (let first = 0; first < changes.length; first += MAX_CHANGES_PER_CALL) {
      outcomes.push(...(await this.#call(changes.slice(first, first + MAX_CHANGES_PER_CALL))));
    }
    return outcomes;
  }

  async keysOf(user: string): Promise<readonly string[]> {
    const { commands, redisKeys } = this.#running();
    const keys = await commands.send(
      ['ZRANGEBYSCORE', redisKeys.sessionsOfUser(user), '-inf', '+inf'],
      REPEATABLE,
    );
    return (keys as readonly string[]).map(String);
  }

  async #call(changes: readonly SessionChange[]): Promise<SessionOutcome[]> {
    const { commands, redisKeys } = this.#running();
    const keys = changes.flatMap(({ key, user }) => {
      const hash = redisKeys.session(key);
      return [hash, user === undefined ? hash : redisKeys.sessionsOfUser(user)];
    });
    const replies = await commands.run(
      CHANGE_SESSIONS_SCRIPT,
      keys,
      changes.flatMap(argumentsOf),
      REPEATABLE,
    );
    return (replies as readonly RedisReply[]).map(outcomeOf);
  }
}

/** The arguments of a change, in the order of the script. */
function argumentsOf(change: SessionChange): string[] {
  const fields: Partial<
    SessionRoom & SessionOwner & { ofAllUsers: boolean; maxRooms: number; ttlMs: number }
  > = change;
  const user = change.user === undefined ? '' : `u${change.user}`;
  return [
    change.do,
    fields.ofAllUsers === true ? '*' : user,
    fields.client ?? '',
    fields.node ?? '',
    fields.room ?? '',
    fields.epoch ?? '',
    `${fields.position ?? 0}`,
    `${fields.maxRooms ?? 0}`,
    `${fields.ttlMs ?? 0}`,
  ];
}

function outcomeOf(reply: RedisReply): SessionOutcome {
  if (Array.isArray(reply)) return { result: 'done', session: claimedSession(reply.map(String)) };
  if (RESULTS.includes(reply)) return { result: reply as SessionOutcome['result'] };
  throw unavailable('Redis has answered a change of a session with something else.', undefined);
}

function claimedSession([isNew, owner = '', ...texts]: readonly string[]): ClaimedSession {
  const rooms: SessionRoom[] = [];
  for (let n = 0; n + 2 < texts.length; n += 3) {
    const [room, epoch, position] = texts.slice(n, n + 3) as [string, string, string];
    rooms.push({ room, epoch, position: Number(position) });
  }
  const [client, node] = owner.split(' ');
  const previous = client === undefined || node === undefined ? undefined : { client, node };
  return { isNew: isNew === '1', rooms, previous };
}
