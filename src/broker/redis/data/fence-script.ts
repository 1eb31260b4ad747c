import { LuaScript } from './lua-script.js';

/**
 * Asks the server who it is, first of all on each new connection. A memory that another server wrote may lack
 * acknowledged events (a replica that took over, a restart): from here on it counts as a new one.
 *
 * The server is asked inside the script: asked before, another might answer than the one that runs it.
 *
 * KEYS: the memory. ARGV: 1 a new epoch, 2 `gap` or `trust`. Answers the run id (empty where it may not be asked) and the
 * eviction policy.
 */
export const FENCE_SCRIPT = new LuaScript(`
local server = redis.pcall('INFO', 'server')
local run = type(server) == 'string' and string.match(server, 'run_id:(%x+)') or ''
local memory = redis.call('HMGET', KEYS[1], 'e', 'r')
if memory[1] and run ~= '' and memory[2] ~= run then
  if ARGV[2] == 'gap' and memory[2] and memory[2] ~= '' then redis.call('HSET', KEYS[1], 'e', ARGV[1]) end
  redis.call('HSET', KEYS[1], 'r', run)
end
local usage = redis.pcall('INFO', 'memory')
local policy = type(usage) == 'string' and string.match(usage, 'maxmemory_policy:([%w-]+)') or ''
local limit = type(usage) == 'string' and string.match(usage, '\\nmaxmemory:(%d+)') or '0'
return {run, limit == '0' and '' or policy}
`);
