import { LuaScript, OPEN_STATE } from './lua-script.js';
import { RETENTION } from './retention-script.js';

/**
 * Publishes one event atomically: assigns its position, stores it in the history of each room that has one, and sends
 * it to the subscribed nodes.
 *
 * - KEYS: the state hash; then 2 keys for each stored room: its stream and its last position; then 1 key for each room
 *   without history: its unstored position; then the receipt of the idempotency key if there is one.
 * - ARGV: see below; then 3 numbers for each stored room: most events, longest age of an event in milliseconds,
 *   shortest lifetime of its last position in milliseconds.
 *
 * Other nodes may have history for a room that has none on the calling node. For them the script records the position
 * of the event, so that they report a gap to clients that resume from before it.
 *
 * Redis out of memory refuses the first write of a script and no later one, so an event is stored completely or not
 * at all.
 *
 * A repeated publish writes the state hash again: `WAIT` covers the last write of its connection, and so the first publish.
 *
 * @returns the receipt `<epoch> <position>`, and 1 if it is the receipt of an earlier publish with the same key; then the
 * error of that write, if Redis refused it
 */
export const PUBLISH_SCRIPT = new LuaScript(`${OPEN_STATE}${RETENTION}
local receiptTtlMs = tonumber(ARGV[4]) -- 0 without an idempotency key
local channel = ARGV[5]
local rooms = ARGV[6]                  -- JSON array, or '' for a single room
local event = ARGV[7]
local storedRooms = tonumber(ARGV[8])  -- number of rooms with history
local receiptKey = KEYS[#KEYS]         -- only valid if receiptTtlMs > 0
local unstoredRooms = tonumber(ARGV[9]) -- number of rooms without history; 0 for a volatile event
local KEYS_PER_ROOM, FIRST_ROOM_KEY = 2, 2
local ARGS_PER_ROOM, FIRST_ROOM_ARG = 3, 10
local FIRST_UNSTORED_KEY = FIRST_ROOM_KEY + storedRooms * KEYS_PER_ROOM

if receiptTtlMs > 0 then
  local receipt = redis.call('GET', receiptKey)
  if receipt then
    local written = redis.pcall('HSET', stateKey, 'g', text(lastPosition))
    return {receipt, 1, type(written) == 'table' and written.err or nil}
  end
end
for i = 1, storedRooms do
  keepLastPositions(tonumber(ARGV[FIRST_ROOM_ARG + (i - 1) * ARGS_PER_ROOM + 2]))
end
local position, previous = '0', {}
if storedRooms > 0 or (unstoredRooms > 0 and lifetimeMs > 0) then
  local nextPosition = math.max(lastPosition + 1, now)
  for i = 1, storedRooms do
    local lastKey = KEYS[FIRST_ROOM_KEY + (i - 1) * KEYS_PER_ROOM + 1]
    local last = tonumber(redis.call('GET', lastKey) or '') or 0
    -- A malformed last position, which another program has written, counts as unknown.
    previous[i] = isPosition(last) and text(last) or '0'
    nextPosition = math.max(nextPosition, tonumber(previous[i]) + 1)
  end
  local assigned = text(nextPosition)
  redis.call('HSET', stateKey, 'g', assigned)
  if storedRooms > 0 then position = assigned end
  -- A position may be ahead of the server's clock; the lifetime counts from the position.
  local lastLifetimeMs = lifetimeMs + math.ceil((nextPosition - now) / 1000) + 1000
  for i = 1, unstoredRooms do
    -- Twice as long: a stored event can name a previous event that is older than the lifetime.
    redis.call('SET', KEYS[FIRST_UNSTORED_KEY + i - 1], assigned, 'PX', text(2 * lastLifetimeMs))
  end
  for i = 1, storedRooms do
    local firstKey = FIRST_ROOM_KEY + (i - 1) * KEYS_PER_ROOM
    local streamKey, lastKey = KEYS[firstKey], KEYS[firstKey + 1]
    local firstArg = FIRST_ROOM_ARG + (i - 1) * ARGS_PER_ROOM
    local maxEvents, maxAgeMs = ARGV[firstArg], ARGV[firstArg + 1]
    -- Nodes that receive the event live need no bound for an unknown previous event: they know what they received.
    local before = previous[i] == '0' and text(forgottenUpTo(nextPosition - 1)) or previous[i]
    local entry = {position .. '-0', 'p', before, 'd', event}
    -- A long list of rooms is not stored again in the stream of each of them.
    if rooms ~= '' and #rooms <= 1024 then entry[6], entry[7] = 'r', rooms end
    local added = redis.pcall('XADD', streamKey, 'MAXLEN', maxEvents, unpack(entry))
    if added.err then
      -- The stream has a greater id than the state hash, which was deleted or evicted. It starts again; the previous
      -- position in 'p' makes the gap visible.
      redis.call('DEL', streamKey)
      redis.call('XADD', streamKey, unpack(entry))
    end
    redis.call('XTRIM', streamKey, 'MINID', text(math.max(0, now - tonumber(maxAgeMs) * 1000)))
    redis.call('PEXPIRE', streamKey, maxAgeMs)
    redis.call('SET', lastKey, position, 'PX', text(lastLifetimeMs))
  end
end
redis.call('SPUBLISH', channel, epoch .. ' ' .. position .. ' ' .. table.concat(previous, ',') .. ' ' .. rooms .. '\\n' .. event)
local receipt = epoch .. ' ' .. position
if receiptTtlMs > 0 then redis.call('SET', receiptKey, receipt, 'PX', receiptTtlMs) end
return {receipt, 0}
`);
