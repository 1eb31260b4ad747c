import type { RedisConnection, RedisReply } from '../driver/redis-driver.interface.js';
import { EVENT_COMMANDS, PRESENCE_COMMANDS } from './used-commands.js';

/** The names of this check in Redis, see `RedisKeys`. */
export interface CheckNames {
  readonly checkKey: string;
  readonly checkChannel: string;
}

/**
 * Tries commands on a key of its own, which it removes. `ACL DRYRUN` would need a right that applications do not have.
 *
 * Ignored are errors that are no lack: a replica that refuses writes, no memory, a slot that moves. The first write of the
 * key may follow one of them, hence WRONGTYPE.
 *
 * @returns alternating commands and error replies
 */
function checkScript(commands: typeof EVENT_COMMANDS): string {
  return `
local key, channel = KEYS[1], ARGV[1]
local TEMPORARY = {READONLY = 1, OOM = 1, MISCONF = 1, NOREPLICAS = 1, MASTERDOWN = 1, LOADING = 1, CLUSTERDOWN = 1,
  MOVED = 1, ASK = 1, TRYAGAIN = 1, WRONGTYPE = 1}
local lacking = {}
local function try(command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) ~= 'table' or not reply.err or TEMPORARY[string.match(reply.err, '^%u+') or ''] then return end
  lacking[#lacking + 1] = command
  lacking[#lacking + 1] = reply.err
end
${commands.map(([name, ...args]) => `try(${[`'${name}'`, ...args].join(', ')})`).join('\n')}
return lacking
`;
}

const EVENT_CHECK = checkScript(EVENT_COMMANDS);
const PRESENCE_CHECK = checkScript(PRESENCE_COMMANDS);

/**
 * Checks on a new connection that Redis executes every command of publishing and reading.
 *
 * @throws MissingCommandsError naming all that it does not execute; the error reply to EVAL itself
 */
export function checkEventCommands(connection: RedisConnection, names: CheckNames): Promise<void> {
  return check(connection, EVENT_CHECK, names);
}

/** As `checkEventCommands`, for the commands of presence. */
export function checkPresenceCommands(connection: RedisConnection, names: CheckNames): Promise<void> {
  return check(connection, PRESENCE_CHECK, names);
}

async function check(
  connection: RedisConnection,
  script: string,
  { checkKey, checkChannel }: CheckNames,
): Promise<void> {
  const reply = await connection.send(['EVAL', script, '1', checkKey, checkChannel]);
  const lacking = Array.isArray(reply) ? (reply as readonly RedisReply[]).map(String) : [];
  if (lacking.length > 0) throw new MissingCommandsError(lacking);
}

/** Redis does not execute commands that the broker needs. The message begins as an error reply of Redis does. */
export class MissingCommandsError extends Error {
  /** @param lacking alternating commands and error replies */
  constructor(lacking: readonly string[]) {
    const byReply = new Map<string, Set<string>>();
    for (let index = 0; index < lacking.length; index += 2) {
      const [command = '', reply = ''] = lacking.slice(index, index + 2);
      const commands = byReply.get(reply) ?? new Set();
      byReply.set(reply, commands.add(command.toLowerCase()));
    }
    const parts = Array.from(byReply, ([reply, commands]) => `${[...commands].join(', ')} (${reply})`);
    super(
      `NOPERM Redis does not execute what the broker needs: ${parts.join('; ')}. Needed are Redis 7 or later, and the rights ` +
        'in docs/07-several-nodes.md.',
    );
  }
}
