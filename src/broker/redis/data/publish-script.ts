import { LuaScript, OPEN_MEMORY } from './lua-script.js';

/**
 * Gives an event its position, remembers it in each of its rooms and tells the nodes, as one step.
 *
 * - KEYS: the memory, then stream and last position of each room that is remembered, then the receipt if ARGV[4] > 0.
 * - ARGV: 1 to 3 see `OPEN_MEMORY`, 4 milliseconds that the receipt is kept, 5 the channel, 6 the rooms as JSON (empty
 *   for one), 7 the event, 8 how many rooms are remembered, then for each: events kept, milliseconds that they are
 *   kept, milliseconds that its last position is kept.
 *
 * Answers the receipt, and 1 where it is an earlier publish's. Nothing is written if Redis is out of memory: it
 * refuses the first write of a script, and never a later one.
 */
export const PUBLISH_SCRIPT = new LuaScript(`${OPEN_MEMORY}
local receiptTtl, rooms = tonumber(ARGV[4]), tonumber(ARGV[8])
if receiptTtl > 0 then
  local receipt = redis.call('GET', KEYS[#KEYS])
  if receipt then return {receipt, 1} end
end
local position, before = '0', {}
if rooms > 0 then
  local g = math.max(last + 1, now)
  for i = 1, rooms do
    before[i] = redis.call('GET', KEYS[2 * i + 1]) or '0'
    g = math.max(g, tonumber(before[i]) + 1)
  end
  position = text(g)
  redis.call('HSET', KEYS[1], 'g', position)
  for i = 1, rooms do
    local stream, limits = KEYS[2 * i], 6 + 3 * i
    local entry = {position .. '-0', 'p', before[i], 'd', ARGV[7]}
    -- A list of a thousand rooms is not kept a thousand times.
    if ARGV[6] ~= '' and #ARGV[6] <= 1024 then entry[6], entry[7] = 'r', ARGV[6] end
    local added = redis.pcall('XADD', stream, 'MAXLEN', ARGV[limits], unpack(entry))
    if added.err then
      -- The stream is ahead of the memory (a key was removed by hand or evicted): it begins again, and 'p' shows the hole.
      redis.call('DEL', stream)
      redis.call('XADD', stream, unpack(entry))
    end
    redis.call('XTRIM', stream, 'MINID', text(math.max(0, now - tonumber(ARGV[limits + 1]) * 1000)))
    redis.call('PEXPIRE', stream, ARGV[limits + 1])
    -- Kept at least until the clock of positions has passed its lifetime, also where that clock is ahead of the server's.
    local lifetime = tonumber(ARGV[limits + 2]) + math.ceil((g - now) / 1000) + 1000
    redis.call('SET', KEYS[2 * i + 1], position, 'PX', text(lifetime))
  end
end
redis.call('SPUBLISH', ARGV[5], epoch .. ' ' .. position .. ' ' .. table.concat(before, ',') .. ' ' .. ARGV[6] .. '\\n' .. ARGV[7])
local receipt = epoch .. ' ' .. position
if receiptTtl > 0 then redis.call('SET', KEYS[#KEYS], receipt, 'PX', receiptTtl) end
return {receipt, 0}
`);
