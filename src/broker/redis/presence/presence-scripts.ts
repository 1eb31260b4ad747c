import { LuaScript } from '../data/lua-script.js';

// Each script is called by `CommandLink.run`: KEYS[1] and ARGV[1] to ARGV[3] are the memory's, and not used here. Leases are
// judged by the clock of Redis alone. A lease that has run out never comes back: its node takes a new name.
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function lease(node) return tonumber(redis.call('ZSCORE', KEYS[2], node) or '-1') end
`;

/**
 * Takes or renews a lease, and asks for nodes whose lease has run out. Each of these is given to one node at a time.
 *
 * - KEYS: 2 the leases, 3 who clears up after whom, by time.
 * - ARGV: 4 the node, 5 milliseconds of its lease, 6 `1` for a new name, 7 milliseconds for clearing up after one, 0 to leave that
 *   to others.
 *
 * Answers 1 where the lease is held, in how many milliseconds the next other one runs out (-1: there is none), and names to
 * clear up after: none where it is not held, for then this node itself was away, and so may others have been.
 */
export const RENEW_SCRIPT = new LuaScript(`${NOW}
local held = ARGV[6] == '1' or lease(ARGV[4]) >= now
if held then redis.call('ZADD', KEYS[2], text(now + ARGV[5]), ARGV[4]) end
local reply = {held and 1 or 0, -1}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], text(now), '+inf', 'LIMIT', '0', '2')) do
  if node ~= ARGV[4] then
    reply[2] = lease(node) - now
    break
  end
end
if held and tonumber(ARGV[7]) > 0 then
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. text(now), 'LIMIT', '0', '64')) do
    if tonumber(redis.call('ZSCORE', KEYS[3], node) or '-1') < now then
      redis.call('ZADD', KEYS[3], text(now + ARGV[7]), node)
      reply[#reply + 1] = node
    end
  end
end
return reply
`);

/**
 * Writes what a node has of some users, and tells who joins and who leaves, as one step.
 *
 * - KEYS: 2 the leases, 3 the node's own list, then the members and the users of each entry's room.
 * - ARGV: 4 the node, 5 the number of the write (empty: a node that is gone is cleared up after), 6 and 7 how the message of a
 *   join and of a leave begins, then for each entry: name in the list, user, connections (empty: nothing any more),
 *   info as JSON or empty, the room's channel, and how the data of its change begins.
 *
 * Answers 1, or 0 where the lease does not allow it and nothing was written. A number that is not greater than the last one
 * is a repeated or a late write: it counts for nothing, or an old word would take the place of a newer one.
 */
export const WRITE_SCRIPT = new LuaScript(`${NOW}
local node, number, expires = ARGV[4], tonumber(ARGV[5]), lease(ARGV[4])
if number then
  if expires < now then return 0 end
  if number <= tonumber(redis.call('HGET', KEYS[3], '') or '0') then return 1 end
  redis.call('HSET', KEYS[3], '', ARGV[5])
elseif expires < 0 or expires >= now then
  return 0
end
local function tell(head, channel, opening, info)
  redis.call('SPUBLISH', channel, head .. opening .. (info == '' and '}' or ',"info":' .. info .. '}'))
end
for entry = 0, (#ARGV - 7) / 6 - 1 do
  local members, users = KEYS[4 + 2 * entry], KEYS[5 + 2 * entry]
  local name, user, connections, info, channel, opening = unpack(ARGV, 8 + 6 * entry, 13 + 6 * entry)
  local field = node .. ' ' .. user
  local before = redis.call('HGET', members, field)
  local had = before and tonumber(string.match(before, '^%d+')) or 0
  if connections ~= '' then
    redis.call('HSET', KEYS[3], name, '')
    redis.call('HSET', members, field, connections .. ' ' .. text(now) .. ' ' .. info)
    redis.call('HINCRBY', users, '', connections - had)
    if not before and redis.call('HINCRBY', users, user, 1) == 1 then tell(ARGV[6], channel, opening, info) end
  else
    redis.call('HDEL', KEYS[3], name)
    if before then
      redis.call('HDEL', members, field)
      -- The negative of 0 is -0, which is no integer to Redis.
      redis.call('HINCRBY', users, '', 0 - had)
      if redis.call('HINCRBY', users, user, -1) <= 0 then
        redis.call('HDEL', users, user)
        tell(ARGV[7], channel, opening, string.match(before, '^%d+ %d+ (.*)$'))
      end
      if redis.call('HLEN', users) == 1 then redis.call('DEL', users) end
    end
  end
end
return 1
`);

/**
 * Some of what a node that is gone had; once nothing is left, the node is forgotten.
 *
 * KEYS: 2 the leases, 3 who clears up, 4 the node's list. ARGV: 4 the node, 5 milliseconds for clearing up, 6 how many.
 */
export const LEFT_BEHIND_SCRIPT = new LuaScript(`${NOW}
local expires = lease(ARGV[4])
if expires < 0 or expires >= now then return {} end
local names = {}
for _, name in ipairs(redis.call('HRANDFIELD', KEYS[4], ARGV[6])) do
  if name ~= '' then names[#names + 1] = name end
end
if #names > 0 then
  redis.call('ZADD', KEYS[3], text(now + ARGV[5]), ARGV[4])
else
  redis.call('DEL', KEYS[4])
  redis.call('ZREM', KEYS[2], ARGV[4])
  redis.call('ZREM', KEYS[3], ARGV[4])
end
return names
`);

/** Lets a lease run out in ARGV[5] milliseconds, and tells the nodes on ARGV[6] to look. KEYS: 2 the leases. ARGV: 4 the node. */
export const RELEASE_SCRIPT = new LuaScript(`${NOW}
if lease(ARGV[4]) < now then return 0 end
redis.call('ZADD', KEYS[2], text(now + ARGV[5]), ARGV[4])
redis.call('SPUBLISH', ARGV[6], 'p')
return 1
`);

/** Everything that nodes have in a room, as one moment. KEYS: 2 the room's members. */
export const MEMBERS_SCRIPT = new LuaScript(`return redis.call('HGETALL', KEYS[2])`);

/** How many users and connections there are in a room. KEYS: 2 the room's users. */
export const COUNT_SCRIPT = new LuaScript(`
return {math.max(0, redis.call('HLEN', KEYS[2]) - 1), tonumber(redis.call('HGET', KEYS[2], '') or '0')}
`);

export const PRESENCE_SCRIPTS: readonly LuaScript[] = [
  RENEW_SCRIPT,
  WRITE_SCRIPT,
  LEFT_BEHIND_SCRIPT,
  RELEASE_SCRIPT,
  MEMBERS_SCRIPT,
  COUNT_SCRIPT,
];
