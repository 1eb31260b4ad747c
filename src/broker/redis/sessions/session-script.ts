import { LuaScript, OPEN_STATE } from '../data/lua-script.js';
import { RESERVE_CURRENT_POSITION } from '../data/read-script.js';

/** Keys and arguments of one change in `CHANGE_SESSIONS_SCRIPT`. */
export const KEYS_PER_CHANGE = 2;
export const ARGS_PER_CHANGE = 9;

/**
 * Makes some changes of sessions in their order. Expiry is judged by the clock of Redis only.
 *
 * - KEYS: for each change the hash of its key, then the sorted set of its user's keys, or the hash again without a user.
 * - ARGV: for each change `do`, user (`u` and the name; empty for none; `*` for all), client (may be empty), node, room,
 *   epoch, position, most rooms, milliseconds.
 *
 * `CommandLink.run` adds KEYS[1] and ARGV[1] to ARGV[3] for `OPEN_STATE`, which only `joinNow` uses: its epoch and position are
 * those of this moment.
 *
 * Fields of the hash: `s<user>` to `<client> <node> <1 if its claim created the session> <expiry in milliseconds>`, with the
 * client `-` after the end of its stream; `r<room>\n<user>` to `<epoch> <position>`.
 *
 * @returns for a claim: `1` if the session is new, the previous owner as `<client> <node>` or an empty text, then room, epoch
 * and position of each room. For another change its result
 */
export const CHANGE_SESSIONS_SCRIPT = new LuaScript(`
local KEYS_PER_CHANGE, FIRST_KEY, ARGS_PER_CHANGE, FIRST_ARG = ${KEYS_PER_CHANGE}, 2, ${ARGS_PER_CHANGE}, 4
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end

-- The epoch and the position of this moment.
local function pointNow()
${OPEN_STATE}${RESERVE_CURRENT_POSITION}
  return epoch, text(currentPosition)
end

-- All sessions of a key that have not expired, by user.
local function load(key)
  local sessions = {}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local user = string.match(fields[i], '^s(.*)$')
    if user then
      local client, node, isNew, expires = string.match(fields[i + 1], '^(%S+) (%S+) ([01]) (%d+)$')
      if expires and tonumber(expires) > now then
        sessions[user] = {client = client, node = node, isNew = isNew, expires = tonumber(expires), rooms = {}, count = 0}
      else
        redis.call('HDEL', key, fields[i])
      end
    end
  end
  for i = 1, #fields, 2 do
    local room, user = string.match(fields[i], '^r([^\\n]*)\\n(.*)$')
    if room and sessions[user] then
      sessions[user].rooms[room] = fields[i + 1]
      sessions[user].count = sessions[user].count + 1
    elseif room then
      redis.call('HDEL', key, fields[i])
    end
  end
  return sessions
end

-- Out of memory the change of the owner is left out: rooms are restored all the same.
local function store(hashKey, indexKey, user, sessions, ttlMs)
  local session = sessions[user]
  session.expires = now + ttlMs
  redis.pcall('HSET', hashKey, 's' .. user, session.client .. ' ' .. session.node .. ' ' .. session.isNew .. ' ' .. text(session.expires))
  local latest = session.expires
  for _, other in pairs(sessions) do latest = math.max(latest, other.expires) end
  redis.call('PEXPIRE', hashKey, text(latest - now))
  if indexKey ~= hashKey then
    local key = string.match(hashKey, '[^:]*$')
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', indexKey, '-inf', text(now), 'LIMIT', '0', '100')) do
      redis.call('ZREM', indexKey, old)
    end
    redis.pcall('ZADD', indexKey, text(session.expires), key)
    redis.call('PEXPIRE', indexKey, text(2 * ttlMs))
  end
end

local function claim(hashKey, indexKey, user, client, node, ttlMs)
  local sessions = load(hashKey)
  local session, previous = sessions[user], ''
  if not session then
    session = {isNew = '1', rooms = {}}
    sessions[user] = session
  elseif session.client ~= client then
    if session.client ~= '-' then previous = session.client .. ' ' .. session.node end
    session.isNew = '0'
  end
  session.client, session.node = client, node
  store(hashKey, indexKey, user, sessions, ttlMs)
  local reply = {session.isNew, previous}
  for room, point in pairs(session.rooms) do
    local epoch, position = string.match(point, '^(%x+) (%d+)$')
    if epoch then
      reply[#reply + 1] = room
      reply[#reply + 1] = epoch
      reply[#reply + 1] = position
    end
  end
  return reply
end

local function changeOne(change, sessions, user)
  local session = sessions[user]
  if not session then return 'gone' end
  if change.client ~= '' and session.client ~= change.client then return 'taken' end
  local field = 'r' .. change.room .. '\\n' .. user
  if change.verb == 'join' then
    if session.rooms[change.room] then return 'done' end
    if session.count >= change.maxRooms then return 'full' end
    redis.call('HSET', change.hashKey, field, change.epoch .. ' ' .. change.position)
  elseif change.verb == 'leave' and change.room == '*' then
    for room in pairs(session.rooms) do redis.call('HDEL', change.hashKey, 'r' .. room .. '\\n' .. user) end
  elseif change.verb == 'leave' then
    redis.call('HDEL', change.hashKey, field)
  else
    if change.verb == 'end' then session.client = '-' end
    store(change.hashKey, change.indexKey, user, sessions, change.ttlMs)
  end
  return 'done'
end

local replies = {}
for number = 0, (#ARGV - FIRST_ARG + 1) / ARGS_PER_CHANGE - 1 do
  local hashKey = KEYS[FIRST_KEY + number * KEYS_PER_CHANGE]
  local indexKey = KEYS[FIRST_KEY + number * KEYS_PER_CHANGE + 1]
  local firstArg = FIRST_ARG + number * ARGS_PER_CHANGE
  local verb, user, client, node, room, epoch, position, maxRooms, ttlMs =
    unpack(ARGV, firstArg, firstArg + ARGS_PER_CHANGE - 1)
  if verb == 'joinNow' then
    verb = 'join'
    epoch, position = pointNow()
    -- The refusal of a replica.
    if type(epoch) == 'table' then return epoch end
  end
  if verb == 'claim' then
    replies[#replies + 1] = claim(hashKey, indexKey, user, client, node, tonumber(ttlMs))
  else
    local change = {verb = verb, hashKey = hashKey, indexKey = indexKey, client = client, room = room, epoch = epoch,
      position = position, maxRooms = tonumber(maxRooms), ttlMs = tonumber(ttlMs)}
    local sessions = load(hashKey)
    local result
    if user == '*' then
      for each in pairs(sessions) do
        local one = changeOne(change, sessions, each)
        if not result or one ~= 'done' then result = one end
      end
    else
      result = changeOne(change, sessions, user)
    end
    replies[#replies + 1] = result or 'gone'
  end
end
return replies
`);
