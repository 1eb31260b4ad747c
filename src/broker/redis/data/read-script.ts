import { CLOCK_TOLERANCE_US } from '../../../protocol/position.js';
import { EVENT_OVERHEAD_BYTES } from '../../page-bytes.js';
import { LuaScript, OPEN_STATE } from './lua-script.js';
import { RETENTION } from './retention-script.js';

/**
 * Lines after `OPEN_STATE`. They define `currentPosition` and store it, so that every event published later has a greater position. If Redis is
 * out of memory the write fails, and the stored position is used, which later events exceed in any case. A replica
 * refuses the script: it may lack events.
 */
export const RESERVE_CURRENT_POSITION = `
local currentPosition = math.max(lastPosition, now)
local stored = redis.pcall('HSET', stateKey, 'g', text(currentPosition))
if type(stored) == 'table' then
  if string.find(stored.err, 'READONLY') then return stored end
  currentPosition = storedPosition
end
`;

/** Lua functions that the read scripts share: bytes of an entry as in `bytesInPage`, and its position. */
const ENTRY_FUNCTIONS = `
local function bytesOf(entry)
  local bytes = ${EVENT_OVERHEAD_BYTES}
  for _, text in ipairs(entry[2]) do bytes = bytes + #text end
  return bytes
end
local function positionOf(entry) return tonumber(string.match(entry[1], '^%d+')) end
`;

/**
 * Reads pages of the history of rooms, all of them at one position. If the events of a page after its position exceed its
 * `maxBytes`, it is cut between two positions, with at least one event. Streams are read in small chunks, and no further than
 * the cut, so a call takes a time that depends on the bytes and the number of rooms, and not on the size of their histories.
 *
 * - KEYS: the state hash; then for each page 3 keys for each room: its stream, its last position and its unstored position.
 * - ARGV: see below; then for each page its position, the position at which it ends at the latest (empty for none), its
 *   `maxBytes`, its number of rooms, and for each room the longest age of an event in microseconds.
 *
 * @returns the epoch, the current position, and the pages. Without pages the third part is field `w` of the state hash, empty if
 * it has none. Pages that would make the answer larger than `maxBytes` are left out, from the first of them on; the first page
 * never is. A page has the position of its cut (empty for a whole page); then for each room the position of its last event
 * (if unknown, the position up to which an event may be forgotten), the position of its last unstored event (0 if there is
 * none), the id and the previous position of its oldest entry after the position, also behind the cut (empty if there is
 * none), and its entries up to the cut, oldest first. An entry with a position more than 60 s ahead of the current one is left
 * out, but for the id of one of them
 */
export const READ_SCRIPT =
  new LuaScript(`${OPEN_STATE}${RETENTION}${RESERVE_CURRENT_POSITION}${ENTRY_FUNCTIONS}
local maxBytesOfAll = tonumber(ARGV[4])
local lastLifetimeMs = tonumber(ARGV[5]) -- time for which the calling node needs last positions; 0 without rooms
local KEYS_PER_ROOM, FIRST_ROOM_KEY, ARGS_PER_PAGE, FIRST_PAGE_ARG = 3, 2, 4, 6
local CHUNK = 32
-- Only another program writes an entry further ahead. Delivered, it would silence the room until then.
local maxPosition = currentPosition + ${CLOCK_TOLERANCE_US}

keepLastPositions(lastLifetimeMs)

-- Returns the page and its bytes.
local function readPage(firstArg, firstPageKey, roomCount)
  local after = tonumber(ARGV[firstArg])
  local cut = tonumber(ARGV[firstArg + 1])
  local maxBytes = tonumber(ARGV[firstArg + 2])
  local found, bytes, isCut, implausible = {}, 0, false, {}
  -- Moves the cut to the last position that fits, and drops the entries after it.
  local function trim()
    table.sort(found, function(a, b) return a.position < b.position end)
    local kept, total = 0, 0
    while kept < #found do
      local last, group = kept, 0
      repeat
        last = last + 1
        group = group + found[last].bytes
      until last == #found or found[last + 1].position ~= found[last].position
      if kept > 0 and total + group > maxBytes then break end
      kept, total = last, total + group
    end
    if kept == #found then return end
    cut, isCut, bytes = found[kept].position, true, total
    for i = #found, kept + 1, -1 do found[i] = nil end
  end

  local page = {''}
  for i = 1, roomCount do
    local firstKey = firstPageKey + (i - 1) * KEYS_PER_ROOM
    local streamKey, lastKey, unstoredKey = KEYS[firstKey], KEYS[firstKey + 1], KEYS[firstKey + 2]
    local oldest = now - tonumber(ARGV[firstArg + ARGS_PER_PAGE + i - 1])
    local start, first = text(math.max(after + 1, oldest, 0)), nil
    local entries
    repeat
      local stop = cut and text(cut) or '+'
      if cut and tonumber(string.match(start, '%d+')) > cut then break end
      entries = redis.call('XRANGE', streamKey, start, stop, 'COUNT', CHUNK)
      first = first or entries[1]
      for _, entry in ipairs(entries) do
        local position = positionOf(entry)
        if position > maxPosition then
          implausible[i] = entry[1]
        else
          found[#found + 1] = {position = position, room = i, entry = entry, bytes = bytesOf(entry)}
          bytes = bytes + found[#found].bytes
        end
      end
      if #entries > 0 then start = '(' .. entries[#entries][1] end
      if bytes > 2 * maxBytes then trim() end
    until #entries < CHUNK or implausible[i]
    if not first and cut then first = redis.call('XRANGE', streamKey, start, '+', 'COUNT', 1)[1] end
    page[#page + 1] = redis.call('GET', lastKey) or text(forgottenUpTo(currentPosition))
    page[#page + 1] = redis.call('GET', unstoredKey) or '0'
    page[#page + 1] = first and first[1] or ''
    page[#page + 1] = first and first[2][1] == 'p' and first[2][2] or ''
    page[#page + 1] = {}
  end
  if bytes > maxBytes then trim() end
  table.sort(found, function(a, b) return a.position < b.position end)
  for _, item in ipairs(found) do
    local entries = page[1 + 5 * item.room]
    entries[#entries + 1] = item.entry
  end
  -- Without its fields, so that the caller counts it as malformed.
  for i, id in pairs(implausible) do table.insert(page[1 + 5 * i], {id, {}}) end
  if isCut then page[1] = text(cut) end
  return page, bytes
end

local reply, total, arg, key = {epoch, text(currentPosition)}, 0, FIRST_PAGE_ARG, FIRST_ROOM_KEY
if arg > #ARGV then reply[3] = redis.call('HMGET', stateKey, 'w')[1] or '' end
while arg <= #ARGV do
  local roomCount = tonumber(ARGV[arg + 3])
  local page, bytes = readPage(arg, key, roomCount)
  if #reply > 2 and total + bytes > maxBytesOfAll then break end
  reply[#reply + 1] = page
  total, arg, key = total + bytes, arg + ARGS_PER_PAGE + roomCount, key + KEYS_PER_ROOM * roomCount
end
return reply
`);

/**
 * Reads the newest events of one room. It stops once `maxBytes` are read, after at least one event.
 *
 * - KEYS: the state hash, and the stream of the room.
 * - ARGV: see below.
 *
 * @returns the epoch and the current position, and the entries, newest first, without those of implausible positions
 */
export const READ_NEWEST_SCRIPT = new LuaScript(`${OPEN_STATE}${RESERVE_CURRENT_POSITION}${ENTRY_FUNCTIONS}
local count = tonumber(ARGV[4])
local before = ARGV[5]               -- id of the entry before which the events are read; '' for the newest ones
local maxBytes = tonumber(ARGV[6])
local maxAgeUs = tonumber(ARGV[7])
local CHUNK = 32

local found, bytes, start = {}, 0, before == '' and text(currentPosition + ${CLOCK_TOLERANCE_US}) or '(' .. before
local oldest = text(math.max(0, now - maxAgeUs))
while #found < count and bytes < maxBytes do
  local chunk = math.min(CHUNK, count - #found)
  local entries = redis.call('XREVRANGE', KEYS[2], start, oldest, 'COUNT', chunk)
  for _, entry in ipairs(entries) do
    if #found > 0 and bytes >= maxBytes then break end
    found[#found + 1] = entry
    bytes = bytes + bytesOf(entry)
  end
  if #entries < chunk then break end
  start = '(' .. entries[#entries][1]
end
return {epoch, text(currentPosition), found}
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
