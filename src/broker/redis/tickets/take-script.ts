import { LuaScript } from '../data/lua-script.js';

/**
 * Reads and removes a text in one step. `GETDEL` would need one more right in Redis.
 *
 * `CommandLink.run` adds KEYS[1] and ARGV[1] to ARGV[3] for `OPEN_STATE`, which this script does not use.
 */
export const TAKE_SCRIPT = new LuaScript(`
local text = redis.call('GET', KEYS[2])
if text then
  redis.call('DEL', KEYS[2])
end
return text
`);
