import { LuaScript, OPEN_MEMORY } from './lua-script.js';

/** The current position, made certain: every event published later has a greater one. */
const CERTAIN_NOW = `
local g = math.max(last, now)
-- Where Redis is out of memory the last position given is the certain one.
if type(redis.pcall('HSET', KEYS[1], 'g', text(g))) == 'table' then g = stored end
`;

/**
 * Reads what rooms remember, as one moment.
 *
 * - KEYS: the memory, then stream and last position of each room.
 * - ARGV: 1 to 3 see `OPEN_MEMORY`, 4 the position after which to read, or empty for the newest, 5 how many of the
 *   newest, 6 after how many events to stop between two rooms, then for each room the microseconds that events are kept.
 *
 * Answers the epoch, the moment, and for each room that was reached its last position and its entries (the newest
 * first where the newest were asked).
 */
export const READ_SCRIPT = new LuaScript(`${OPEN_MEMORY}${CERTAIN_NOW}
local reply, found = {epoch, text(g)}, 0
for i = 1, (#KEYS - 1) / 2 do
  local oldest = math.max(0, now - tonumber(ARGV[6 + i]))
  local entries
  if ARGV[4] == '' then
    entries = redis.call('XREVRANGE', KEYS[2 * i], '+', text(oldest), 'COUNT', ARGV[5])
  else
    entries = redis.call('XRANGE', KEYS[2 * i], text(math.max(tonumber(ARGV[4]) + 1, oldest)), '+')
  end
  reply[#reply + 1] = redis.call('GET', KEYS[2 * i + 1]) or ''
  reply[#reply + 1] = entries
  found = found + #entries
  if found >= tonumber(ARGV[6]) then break end
end
return reply
`);

/**
 * Says the current position to the node itself, through its subscription: what was published before has been heard
 * when this is. KEYS: the memory. ARGV: 1 to 3 see `OPEN_MEMORY`, 4 the node's channel, 5 the number of the mark.
 */
export const SYNC_MARKER_SCRIPT = new LuaScript(`${OPEN_MEMORY}${CERTAIN_NOW}
redis.call('SPUBLISH', ARGV[4], epoch .. ' ' .. text(g) .. ' ' .. ARGV[5])
return ARGV[5]
`);
