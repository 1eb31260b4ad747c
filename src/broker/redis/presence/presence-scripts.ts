import { LuaScript } from '../data/lua-script.js';

// `CommandLink.run` adds KEYS[1] and ARGV[1] to ARGV[3] for `OPEN_STATE`; presence scripts do not use them. Leases
// are judged by the clock of Redis only. An expired lease is never renewed: its node takes a new name.

/**
 * Defines `now` (the server's time in milliseconds), `text(number)` (decimal digits without an exponent) and
 * `lease(node)` (expiry time of the node's lease in milliseconds, -1 without a lease).
 */
const LEASE_FUNCTIONS = `
local leasesKey = KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function lease(node) return tonumber(redis.call('ZSCORE', leasesKey, node) or '-1') end
`;

/**
 * Takes or renews a lease, and claims nodes with an expired lease for clean-up. A claim is exclusive until it
 * expires.
 *
 * @returns 1 if the lease is held, otherwise 0; milliseconds until the next lease of another node expires, -1 if
 * there is none; then the claimed nodes. A node without a held lease claims none: it was interrupted, and so may the
 * others have been.
 */
export const RENEW_SCRIPT = new LuaScript(`${LEASE_FUNCTIONS}
local claimsKey = KEYS[3]
local ownNode = ARGV[4]
local leaseMs = ARGV[5]
local isNew = ARGV[6] == '1'       -- takes a lease under a new name
local claimMs = tonumber(ARGV[7])  -- 0 claims no nodes
local held = isNew or lease(ownNode) >= now
if held then redis.call('ZADD', leasesKey, text(now + leaseMs), ownNode) end
local reply = {held and 1 or 0, -1}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', leasesKey, text(now), '+inf', 'LIMIT', '0', '2')) do
  if node ~= ownNode then
    reply[2] = lease(node) - now
    break
  end
end
if held and claimMs > 0 then
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', leasesKey, '-inf', '(' .. text(now), 'LIMIT', '0', '64')) do
    if tonumber(redis.call('ZSCORE', claimsKey, node) or '-1') < now then
      redis.call('ZADD', claimsKey, text(now + claimMs), node)
      reply[#reply + 1] = node
    end
  end
end
return reply
`);

/**
 * Writes entries of a node and publishes the resulting joins and leaves atomically.
 *
 * - KEYS: see below; then 2 keys for each entry: the members and the users of its room.
 * - ARGV: see below; then 6 texts for each entry: name in the node's hash, user, connections (empty to remove the
 *   entry), info as JSON or empty, the room's channel, opening of the JSON data of its join or leave.
 *
 * A write number that is not greater than the last one belongs to a repeated or late write, which must not overwrite
 * a newer one: nothing is written, and the script returns 1.
 *
 * @returns 1, or 0 if the lease does not permit the write
 */
export const WRITE_SCRIPT = new LuaScript(`${LEASE_FUNCTIONS}
local nodeKey = KEYS[3]
local node = ARGV[4]
local writeNumber = tonumber(ARGV[5]) -- nil to remove entries of an expired node
local joinHeader = ARGV[6]            -- message of a join up to its data
local leaveHeader = ARGV[7]
local KEYS_PER_ENTRY, FIRST_ENTRY_KEY = 2, 4
local ARGS_PER_ENTRY, FIRST_ENTRY_ARG = 6, 8
local entryCount = (#ARGV - FIRST_ENTRY_ARG + 1) / ARGS_PER_ENTRY

local expires = lease(node)
if writeNumber then
  if expires < now then return 0 end
  if writeNumber <= tonumber(redis.call('HGET', nodeKey, '') or '0') then return 1 end
  redis.call('HSET', nodeKey, '', ARGV[5])
elseif expires < 0 or expires >= now then
  return 0
end
local function publish(header, channel, opening, info)
  redis.call('SPUBLISH', channel, header .. opening .. (info == '' and '}' or ',"info":' .. info .. '}'))
end
for entry = 0, entryCount - 1 do
  local firstKey = FIRST_ENTRY_KEY + entry * KEYS_PER_ENTRY
  local membersKey, usersKey = KEYS[firstKey], KEYS[firstKey + 1]
  local firstArg = FIRST_ENTRY_ARG + entry * ARGS_PER_ENTRY
  local name, user, connections, info, channel, opening = unpack(ARGV, firstArg, firstArg + ARGS_PER_ENTRY - 1)
  local field = node .. ' ' .. user
  local before = redis.call('HGET', membersKey, field)
  local connectionsBefore = before and tonumber(string.match(before, '^%d+')) or 0
  if connections ~= '' then
    redis.call('HSET', nodeKey, name, '')
    redis.call('HSET', membersKey, field, connections .. ' ' .. text(now) .. ' ' .. info)
    redis.call('HINCRBY', usersKey, '', connections - connectionsBefore)
    if not before and redis.call('HINCRBY', usersKey, user, 1) == 1 then publish(joinHeader, channel, opening, info) end
  else
    redis.call('HDEL', nodeKey, name)
    if before then
      redis.call('HDEL', membersKey, field)
      -- Not -connectionsBefore: -0 is no integer to Redis.
      redis.call('HINCRBY', usersKey, '', 0 - connectionsBefore)
      if redis.call('HINCRBY', usersKey, user, -1) <= 0 then
        redis.call('HDEL', usersKey, user)
        publish(leaveHeader, channel, opening, string.match(before, '^%d+ %d+ (.*)$') or '')
      end
      if redis.call('HLEN', usersKey) == 1 then redis.call('DEL', usersKey) end
    end
  end
end
return 1
`);

/**
 * Lists some entries of an expired node and extends the claim on it. Without entries the node itself is removed.
 *
 * @returns names of entries; none if the lease is still held or nothing is left
 */
export const LEFTOVERS_SCRIPT = new LuaScript(`${LEASE_FUNCTIONS}
local claimsKey = KEYS[3]
local nodeKey = KEYS[4]
local node = ARGV[4]
local claimMs = ARGV[5]
local maxEntries = ARGV[6]
local expires = lease(node)
if expires < 0 or expires >= now then return {} end
local names = {}
for _, name in ipairs(redis.call('HRANDFIELD', nodeKey, maxEntries)) do
  if name ~= '' then names[#names + 1] = name end
end
if #names > 0 then
  redis.call('ZADD', claimsKey, text(now + claimMs), node)
else
  redis.call('DEL', nodeKey)
  redis.call('ZREM', leasesKey, node)
  redis.call('ZREM', claimsKey, node)
end
return names
`);

/**
 * Shortens a held lease to the grace time and notifies all nodes on the control channel.
 *
 * @returns 1, or 0 if the lease has expired already
 */
export const RELEASE_SCRIPT = new LuaScript(`${LEASE_FUNCTIONS}
local node = ARGV[4]
local graceMs = ARGV[5]
local controlChannel = ARGV[6]
if lease(node) < now then return 0 end
redis.call('ZADD', leasesKey, text(now + graceMs), node)
redis.call('SPUBLISH', controlChannel, 'p')
return 1
`);

/** Reads all members of a room, or the entries of a node. @returns alternating fields and values, see `presentUsers` */
export const MEMBERS_SCRIPT = new LuaScript(`
local membersKey = KEYS[2]
return redis.call('HGETALL', membersKey)
`);

/** Counts a room. @returns the number of users and the number of connections */
export const COUNT_SCRIPT = new LuaScript(`
local usersKey = KEYS[2]
return {math.max(0, redis.call('HLEN', usersKey) - 1), tonumber(redis.call('HGET', usersKey, '') or '0') or 0}
`);

export const PRESENCE_SCRIPTS: readonly LuaScript[] = [
  RENEW_SCRIPT,
  WRITE_SCRIPT,
  LEFTOVERS_SCRIPT,
  RELEASE_SCRIPT,
  MEMBERS_SCRIPT,
  COUNT_SCRIPT,
];
