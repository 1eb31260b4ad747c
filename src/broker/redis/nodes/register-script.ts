import { LuaScript } from '../data/lua-script.js';

/**
 * Lists this node with its options, and reads the other nodes. Entries are removed when their node has not renewed them
 * in time, by the clock of Redis. Out of memory, the node is not listed, and reads the others.
 *
 * `CommandLink.run` adds KEYS[1] and ARGV[1] to ARGV[3] for `OPEN_STATE`, which this script does not use.
 *
 * @returns the entries of the other nodes
 */
export const REGISTER_SCRIPT = new LuaScript(`
local registryKey = KEYS[2]
local node = ARGV[4]
local entry = ARGV[5] -- '' removes the node
local lifetimeMs = tonumber(ARGV[6])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = {}
local listed = redis.call('HGETALL', registryKey)
for i = 1, #listed, 2 do
  local expires, text = string.match(listed[i + 1], '^(%d+) (.*)$')
  if listed[i] ~= node then
    if not expires or tonumber(expires) < now then
      redis.call('HDEL', registryKey, listed[i])
    else
      others[#others + 1] = text
    end
  end
end
if entry == '' then
  redis.call('HDEL', registryKey, node)
else
  redis.pcall('HSET', registryKey, node, string.format('%.0f', now + lifetimeMs) .. ' ' .. entry)
  redis.call('PEXPIRE', registryKey, lifetimeMs)
end
return others
`);
