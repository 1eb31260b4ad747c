import { LuaScript } from './lua-script.js';

/**
 * Defines `cameWithSlot()`: true if the history was written by another master of a Redis Cluster and then moved here,
 * complete, with its slot. A move is distinguished from a restart and from a replica that took over, which may both lack events:
 *
 * - This server was never a replica that was promoted.
 * - It has received keys by a migration since its start, and the newest position is later than its start, so history was
 *   not read from its disk.
 * - The calling node has seen nothing newer than the history.
 */
const CAME_WITH_SLOT = `
local function cameWithSlot(newestStored, newestSeen)
  local function info(section)
    local reply = redis.pcall('INFO', section)
    return type(reply) == 'string' and reply or ''
  end
  if not string.find(info('cluster'), 'cluster_enabled:1', 1, true) then return false end
  if not string.find(info('replication'), 'master_replid2:0+%s') then return false end
  if not string.find(info('commandstats'), 'cmdstat_restore%-asking:') then return false end
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local uptimeUs = (tonumber(string.match(info('server'), 'uptime_in_seconds:(%d+)') or '') or 0) * 1000000
  -- Clocks of masters may differ by a second. A later position proves nothing about the start.
  return newestStored > now - uptimeUs and newestStored < now + 1000000 and newestStored >= newestSeen
end
`;

/**
 * Detects a changed Redis server; runs first on each new connection. A different run id than the stored one means a
 * restart or a failover, after which acknowledged events may be missing from history. With `gap` the script then
 * starts a new epoch. No event is missing where a slot of a Redis Cluster has moved: the epoch continues.
 *
 * Example: the state hash holds epoch `0000aaaa` and run id `x`. A replica with run id `y` has taken over. With `gap`
 * the hash becomes `0000bbbb`, `y`, and every node reports a gap. With `trust` it becomes `0000aaaa`, `y`.
 *
 * Answers READONLY on a replica, also on one that accepts writes, so that a node opens no connection that it cannot use.
 *
 * Keeps the last positions of rooms as long as the calling node needs them, see `RETENTION`.
 *
 * The run id is read inside the script, so that it is the id of the server that executes the script.
 *
 * @returns the server's run id, empty if the user may not run INFO; the eviction policy, empty without a memory limit
 */
export const FENCE_SCRIPT = new LuaScript(`${CAME_WITH_SLOT}
local stateKey = KEYS[1]
local newEpoch = ARGV[1]
local onFailover = ARGV[2]              -- 'gap' or 'trust'
local lastLifetimeMs = tonumber(ARGV[3]) -- time for which the node needs last positions; 0 without history
local newestSeen = tonumber(ARGV[4])    -- greatest position that the calling node has seen

-- The field does not exist: a write that changes nothing, and that Redis accepts out of memory as well.
local write = redis.pcall('HDEL', stateKey, '')
if type(write) == 'table' and string.find(write.err, '^READONLY') then return write end
-- A replica with replica-read-only no accepts writes, and loses them when it copies its master again.
local role = redis.pcall('INFO', 'replication')
if type(role) == 'string' and string.find(role, 'role:slave', 1, true) then
  return redis.error_reply('READONLY The server is a replica.')
end
local server = redis.pcall('INFO', 'server')
local runId = type(server) == 'string' and string.match(server, 'run_id:(%x+)') or ''
local state = redis.call('HMGET', stateKey, 'e', 'r', 't', 'g')
local epoch, storedRunId = state[1], state[2]
if epoch and runId ~= '' and storedRunId ~= runId then
  local isKnown = storedRunId and storedRunId ~= ''
  if onFailover == 'gap' and isKnown and not cameWithSlot(tonumber(state[4] or '') or 0, newestSeen) then
    local time = redis.call('TIME')
    redis.call('HSET', stateKey, 'e', newEpoch, 'b', string.format('%.0f', time[1] * 1000000 + time[2]))
  end
  redis.call('HSET', stateKey, 'r', runId)
end
if lastLifetimeMs > (tonumber(state[3] or '') or 0) then
  -- Events from before were forgotten sooner. Without an epoch there are none. Out of memory, a later read repeats this.
  local time = redis.call('TIME')
  local now = math.max(tonumber(state[4] or '') or 0, time[1] * 1000000 + time[2])
  if epoch then redis.pcall('HSET', stateKey, 'k', string.format('%.0f', now)) end
  redis.pcall('HSET', stateKey, 't', string.format('%.0f', lastLifetimeMs))
end
local usage = redis.pcall('INFO', 'memory')
local policy = type(usage) == 'string' and string.match(usage, 'maxmemory_policy:([%w-]+)') or ''
local limit = type(usage) == 'string' and string.match(usage, '\\nmaxmemory:(%d+)') or '0'
return {runId, limit == '0' and '' or policy}
`);
