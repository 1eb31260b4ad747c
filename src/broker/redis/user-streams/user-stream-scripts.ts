import { LuaScript } from '../data/lua-script.js';

/**
 * Beginning of each script: the clock of Redis judges all leases. `CommandLink.run` adds KEYS[1] and ARGV[1] to ARGV[3] for
 * `OPEN_STATE`, which these scripts do not use. KEYS[2] is the sorted set of leases, ARGV[4] the name of the node's lease,
 * ARGV[5] its milliseconds.
 */
const HEAD = `
local leases, node, leaseMs = KEYS[2], ARGV[4], tonumber(ARGV[5])
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local now = math.floor(nowUs / 1000)
local function text(number) return string.format('%.0f', number) end
local function isHeld(name) return (tonumber(redis.call('ZSCORE', leases, name) or '0') or 0) > now end
local function takeLease() redis.call('ZADD', leases, text(now + leaseMs), node) end
`;

/**
 * Adds a stream unless its user has too many, and removes the streams of nodes without a lease.
 *
 * - KEYS[3]: sorted set of the user's streams, `<node> <client>` by their start in microseconds.
 * - ARGV[6]: client. ARGV[7]: most streams. ARGV[8]: `refuse` or `end-oldest`. ARGV[9]: milliseconds for which the set is kept.
 *   ARGV[10]: `1` for a lease that the node has not taken yet.
 *
 * @returns 1 or 0 for added or refused, 1 or 0 for a lease that is held or lost, the start of the stream, the clients over the
 * limit
 */
export const ADD_SCRIPT = new LuaScript(`
${HEAD}
local streams, client, max, whenFull, keepMs, isNew = KEYS[3], ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10]
local member = node .. ' ' .. client
local held = isNew == '1' or isHeld(node)
local nodes, others, since = {[node] = held}, {}, nil
for _, each in ipairs(redis.call('ZRANGEBYSCORE', streams, '-inf', '+inf')) do
  local name = string.match(each, '^%S*')
  if nodes[name] == nil then nodes[name] = isHeld(name) end
  if each == member then
    since = redis.call('ZSCORE', streams, member)
  elseif nodes[name] then
    others[#others + 1] = each
  else
    redis.call('ZREM', streams, each)
  end
end
local heldReply = held and 1 or 0
if not since and #others >= max and whenFull == 'refuse' then return {0, heldReply, '0'} end
if held then takeLease() end
if not since then
  since = text(nowUs)
  redis.call('ZADD', streams, since, member)
end
redis.call('PEXPIRE', streams, keepMs)
local reply = {1, heldReply, since}
for i = 1, #others + 1 - max do
  reply[#reply + 1] = string.match(others[i], '^%S* (.*)$')
end
return reply
`);

/**
 * Renews the lease, or takes a new one in the place of another name, and forgets leases that have expired.
 *
 * - ARGV[6]: the former name, whose streams count no more; empty to renew.
 *
 * @returns 1, or 0 for a lease that has expired or is lost
 */
export const RENEW_SCRIPT = new LuaScript(`
${HEAD}
local former = ARGV[6]
if former == '' and not isHeld(node) then return 0 end
if former ~= '' then redis.call('ZREM', leases, former) end
for _, each in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', text(now), 'LIMIT', '0', '100')) do
  redis.call('ZREM', leases, each)
end
takeLease()
return 1
`);

/**
 * Adds streams without asking for a limit: those that Redis may have lost.
 *
 * - KEYS[3] on: for each stream the sorted set of its user.
 * - ARGV[6]: milliseconds for which the sets are kept. ARGV[7] on: for each stream its client and its start in microseconds.
 */
export const STORE_SCRIPT = new LuaScript(`
${HEAD}
for i = 3, #KEYS do
  local client, since = ARGV[7 + 2 * (i - 3)], ARGV[8 + 2 * (i - 3)]
  redis.call('ZADD', KEYS[i], since, node .. ' ' .. client)
  redis.call('PEXPIRE', KEYS[i], ARGV[6])
end
return 1
`);

/** Removes streams. KEYS[3] on: for each stream the sorted set of its user. ARGV[6] on: their clients. */
export const REMOVE_SCRIPT = new LuaScript(`
${HEAD}
for i = 3, #KEYS do
  redis.call('ZREM', KEYS[i], node .. ' ' .. ARGV[6 + i - 3])
end
return 1
`);

export const USER_STREAM_SCRIPTS = [ADD_SCRIPT, RENEW_SCRIPT, STORE_SCRIPT, REMOVE_SCRIPT];
