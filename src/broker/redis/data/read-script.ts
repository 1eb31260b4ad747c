import { LuaScript, OPEN_STATE } from './lua-script.js';

/**
 * Defines `currentPosition` and stores it, so that every event published later has a greater position. If Redis is
 * out of memory the write fails, and the stored position is used, which later events exceed in any case.
 */
const RESERVE_CURRENT_POSITION = `
local currentPosition = math.max(lastPosition, now)
if type(redis.pcall('HSET', stateKey, 'g', text(currentPosition))) == 'table' then currentPosition = storedPosition end
`;

/**
 * Reads the history of rooms atomically. It stops between two rooms once `maxEvents` events are read, so the reply
 * may cover only the first rooms.
 *
 * - KEYS: the state hash; then 2 keys for each room: its stream and its last position.
 * - ARGV: see below; then 1 number for each room: the longest age of an event in microseconds.
 *
 * @returns the epoch and the current position; then for each covered room its last position (empty if unknown) and
 * its entries, oldest first, or newest first if `newestCount` was used
 */
export const READ_SCRIPT = new LuaScript(`${OPEN_STATE}${RESERVE_CURRENT_POSITION}
local after = ARGV[4]                -- position to read after; '' to read the newest events
local newestCount = ARGV[5]          -- events per room if after is ''
local maxEvents = tonumber(ARGV[6])
local KEYS_PER_ROOM, FIRST_ROOM_KEY = 2, 2
local FIRST_ROOM_ARG = 7
local roomCount = (#KEYS - 1) / KEYS_PER_ROOM

local reply, eventCount = {epoch, text(currentPosition)}, 0
for i = 1, roomCount do
  local firstKey = FIRST_ROOM_KEY + (i - 1) * KEYS_PER_ROOM
  local streamKey, lastKey = KEYS[firstKey], KEYS[firstKey + 1]
  local maxAgeUs = tonumber(ARGV[FIRST_ROOM_ARG + i - 1])
  local oldest = math.max(0, now - maxAgeUs)
  local entries
  if after == '' then
    entries = redis.call('XREVRANGE', streamKey, '+', text(oldest), 'COUNT', newestCount)
  else
    entries = redis.call('XRANGE', streamKey, text(math.max(tonumber(after) + 1, oldest)), '+')
  end
  reply[#reply + 1] = redis.call('GET', lastKey) or ''
  reply[#reply + 1] = entries
  eventCount = eventCount + #entries
  if eventCount >= maxEvents then break end
end
return reply
`);

/**
 * Publishes a sync marker with the current position to the calling node itself. Redis delivers in order, so the node
 * has received all earlier events when the marker arrives.
 */
export const SYNC_MARKER_SCRIPT = new LuaScript(`${OPEN_STATE}${RESERVE_CURRENT_POSITION}
local markerChannel = ARGV[4]
local markerNumber = ARGV[5]
redis.call('SPUBLISH', markerChannel, epoch .. ' ' .. text(currentPosition) .. ' ' .. markerNumber)
return markerNumber
`);
