import { LuaScript, OPEN_STATE } from './lua-script.js';
import { RETENTION } from './retention-script.js';

/** Longest stream into which an event is inserted before newer ones, so that the script blocks Redis for few milliseconds. */
const MAX_REWRITTEN_ENTRIES = 1_000;

/**
 * Finds the idempotency keys that this Redis does not know.
 *
 * - KEYS: the state hash, and the receipts.
 *
 * @returns for each receipt 1 if it is unknown, else 0
 */
export const UNKNOWN_KEYS_SCRIPT = new LuaScript(`
local unknown = {}
for i = 2, #KEYS do unknown[#unknown + 1] = redis.call('GET', KEYS[i]) and 0 or 1 end
return unknown
`);

/**
 * Stores an event that another Redis had accepted, at its original position, in the history of its rooms. It is sent to no
 * node: those that have passed the position have reported a gap, and the others read it with the history after theirs.
 *
 * A stream of Redis accepts new entries at its end only. If it has newer ones it is written again. An event is left out
 * - of all rooms, if its idempotency key is known: this Redis has it, or another node has restored it;
 * - of a room, if its position is taken, if it has expired, or if newer events of the room are gone: it would make the
 * history look complete that lacks those.
 *
 * The state hash keeps the greatest position that was stored in this way, and the number of such events: resumes with an
 * id of another epoch compare them.
 *
 * - KEYS: the state hash; the receipt; then 2 keys for each room: its stream and its last position.
 * - ARGV: see below; then 3 numbers for each room, as for `PUBLISH_SCRIPT`.
 *
 * @returns the number of rooms in which the event was stored; -1 if the epoch is another one
 */
export const RESTORE_SCRIPT = new LuaScript(`${OPEN_STATE}${RETENTION}
local expectedEpoch, position = ARGV[4], tonumber(ARGV[5])
local rooms, event, receiptTtlMs = ARGV[6], ARGV[7], ARGV[8]
local receiptKey = KEYS[2]
local KEYS_PER_ROOM, FIRST_ROOM_KEY = 2, 3
local ARGS_PER_ROOM, FIRST_ROOM_ARG = 3, 9
local MAX_FIELDS = 16
if epoch ~= expectedEpoch then return -1 end
if redis.call('GET', receiptKey) then return 0 end
-- Redis out of memory refuses this first write, before a stream is deleted to be written again.
redis.call('HSET', stateKey, 'g', text(math.max(lastPosition, position)))

for i = FIRST_ROOM_ARG + 2, #ARGV, ARGS_PER_ROOM do keepLastPositions(tonumber(ARGV[i])) end

local function positionOf(entry) return entry and tonumber(string.match(entry[1], '^%d+')) or 0 end
local function previousOf(entry) return entry[2][1] == 'p' and tonumber(entry[2][2] or '') or math.huge end

local function restore(streamKey, lastKey, maxEvents, maxAgeMs)
  if position < now - maxAgeMs * 1000 then return 0 end
  local last = tonumber(redis.call('GET', lastKey) or '') or 0
  local older = redis.call('XREVRANGE', streamKey, text(position), '0', 'COUNT', 1)[1]
  local newer = redis.call('XRANGE', streamKey, '(' .. text(position), '+', 'COUNT', 1)[1]
  local before = math.max(positionOf(older), newer and previousOf(newer) or last)
  if positionOf(older) == position or before >= position then return 0 end
  if before == 0 then before = math.min(forgottenUpTo(position - 1), position - 1) end
  local restored = {text(position) .. '-0', {'p', text(before), 'd', event}}
  if rooms ~= '' and #rooms <= 1024 then restored[2][5], restored[2][6] = 'r', rooms end
  if newer then
    local stored = redis.call('XRANGE', streamKey, '-', '+', 'COUNT', ${MAX_REWRITTEN_ENTRIES + 1})
    if #stored > ${MAX_REWRITTEN_ENTRIES} or (#stored >= maxEvents and not older) then return 0 end
    for _, entry in ipairs(stored) do if #entry[2] > MAX_FIELDS then return 0 end end
    redis.call('DEL', streamKey)
    for _, entry in ipairs(stored) do
      if restored and positionOf(entry) > position then
        redis.call('XADD', streamKey, 'MAXLEN', maxEvents, restored[1], unpack(restored[2]))
        restored = nil
      end
      redis.call('XADD', streamKey, 'MAXLEN', maxEvents, entry[1], unpack(entry[2]))
    end
  else
    -- Refused where entries were deleted behind the position.
    local added = redis.pcall('XADD', streamKey, 'MAXLEN', maxEvents, restored[1], unpack(restored[2]))
    if added.err then return 0 end
    redis.call('SET', lastKey, text(position), 'PX', text(lifetimeMs + 1000))
  end
  redis.call('PEXPIRE', streamKey, text(maxAgeMs))
  return 1
end

local count = 0
for i = 0, (#KEYS - FIRST_ROOM_KEY + 1) / KEYS_PER_ROOM - 1 do
  local key, arg = FIRST_ROOM_KEY + i * KEYS_PER_ROOM, FIRST_ROOM_ARG + i * ARGS_PER_ROOM
  count = count + restore(KEYS[key], KEYS[key + 1], tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]))
end
if count > 0 then
  redis.call('SET', receiptKey, epoch .. ' ' .. text(position), 'PX', receiptTtlMs)
  local restoredUpTo, events = string.match(redis.call('HMGET', stateKey, 'w')[1] or '', '^(%d+) (%d+)$')
  redis.call('HSET', stateKey, 'w', text(math.max(tonumber(restoredUpTo or 0), position)) .. ' ' .. text((events or 0) + 1))
end
return count
`);
