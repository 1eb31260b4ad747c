import { LuaScript, OPEN_STATE } from './lua-script.js';
import { RETENTION } from './retention-script.js';

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
 * - KEYS: the state hash; then 3 keys for each room: its stream, its last position and its unstored position.
 * - ARGV: see below; then 1 number for each room: the longest age of an event in microseconds.
 *
 * @returns the epoch and the current position; then for each covered room two positions and its entries, oldest first,
 * or newest first if `newestCount` was used. The first position is that of its last event; if it is unknown, the position
 * up to which an event may be forgotten. The second is that of its last unstored event, 0 if there is none.
 */
export const READ_SCRIPT = new LuaScript(`${OPEN_STATE}${RETENTION}${RESERVE_CURRENT_POSITION}
local after = ARGV[4]                -- position to read after; '' to read the newest events
local newestCount = ARGV[5]          -- events per room if after is ''
local maxEvents = tonumber(ARGV[6])
local lastLifetimeMs = tonumber(ARGV[7]) -- time for which the calling node needs last positions; 0 without rooms
local KEYS_PER_ROOM, FIRST_ROOM_KEY = 3, 2
local FIRST_ROOM_ARG = 8
local roomCount = (#KEYS - 1) / KEYS_PER_ROOM

keepLastPositions(lastLifetimeMs)
local reply, eventCount = {epoch, text(currentPosition)}, 0
for i = 1, roomCount do
  local firstKey = FIRST_ROOM_KEY + (i - 1) * KEYS_PER_ROOM
  local streamKey, lastKey, unstoredKey = KEYS[firstKey], KEYS[firstKey + 1], KEYS[firstKey + 2]
  local maxAgeUs = tonumber(ARGV[FIRST_ROOM_ARG + i - 1])
  local oldest = math.max(0, now - maxAgeUs)
  local entries
  if after == '' then
    entries = redis.call('XREVRANGE', streamKey, '+', text(oldest), 'COUNT', newestCount)
  else
    entries = redis.call('XRANGE', streamKey, text(math.max(tonumber(after) + 1, oldest)), '+')
  end
  local last = redis.call('GET', lastKey) or (after ~= '' and text(forgottenUpTo(currentPosition))) or '0'
  reply[#reply + 1] = last .. ' ' .. (redis.call('GET', unstoredKey) or '0')
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
