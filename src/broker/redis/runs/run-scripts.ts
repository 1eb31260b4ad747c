import { LuaScript } from '../data/lua-script.js';
import { OPEN_RUN } from './run-state-script.js';

// Each script has the keys and the first five arguments of `OPEN_RUN`. A record is a list of texts, see `parseRecord`.

/**
 * Starts a run, unless one has the name.
 *
 * - ARGV[6] to ARGV[9]: lease in milliseconds, storage after the end in milliseconds, most entries, most bytes. ARGV[10]: `1`
 *   to start an ended run again.
 *
 * @returns the record of the run that has the name now
 */
export const START_RUN_SCRIPT = new LuaScript(`${OPEN_RUN}
local leaseMs, keepMs, maxEntries, maxBytes = unpack(ARGV, 6, 9)
local restart = ARGV[10] == '1'
if run and (run.epoch == epoch or run.state == 'running' or not restart) then
  return confirmed(recordOf(run))
end
redis.call('HSET', runKey, 'e', epoch, 's', 'running', 'w', '', 'a', text(now), 'z', '0', 'n', '0', 'f', '1', 'b', '0',
  'l', text(now + leaseMs), 'v', text(now), 'p', '0', 'o', table.concat({leaseMs, keepMs, maxEntries, maxBytes}, ' '))
redis.call('DEL', entriesKey)
run = load()
keep(run.leaseMs + run.keepMs)
publish(run, 'entries')
return recordOf(run)
`);

/**
 * Stores entries and renews the lease; without entries only the latter. Entries that an earlier attempt has stored are left
 * out. A run that lacks entries before them ends as failed with the reason `lost`: a server without them took over.
 *
 * Redis out of memory refuses the first write of a script and no later one: all entries are stored or none.
 *
 * - ARGV[6]: number of entries before these. ARGV[7] and later: the entries.
 *
 * @returns 1 if the run goes on under this epoch, otherwise 0; 1 after a request to stop; milliseconds since the last read of
 * a follower; number of accepted entries
 */
export const APPEND_RUN_SCRIPT = new LuaScript(`${OPEN_RUN}
local after = tonumber(ARGV[6])
local FIRST_ENTRY = 7
if run and run.epoch == epoch and run.state == 'running' and after > run.entries then
  finish(run, 'failed', 'lost', now)
end
if not run or run.epoch ~= epoch or run.state ~= 'running' then
  -- Followers of a run that Redis has lost learn it by this message.
  if not run then redis.call('SPUBLISH', channel, '') end
  return confirmed({0, run and tonumber(run.stop) or 0, 0, run and run.entries or 0})
end

-- Removes the oldest entries beyond the bounds. The newest one stays.
local function trim()
  while run.first < run.entries and
    (run.entries - run.first >= run.maxEntries or run.bytes > run.maxBytes) do
    local average = math.max(1, run.bytes / (run.entries - run.first + 1))
    local surplus = math.max(run.entries - run.first + 1 - run.maxEntries, (run.bytes - run.maxBytes) / average)
    local oldest = redis.call('XRANGE', entriesKey, '-', '+', 'COUNT', text(math.max(1, math.min(64, math.ceil(surplus)))))
    if #oldest == 0 then break end
    for _, entry in ipairs(oldest) do
      local index = tonumber(string.match(entry[1], '^%d+'))
      local isWithin = run.entries - run.first < run.maxEntries and run.bytes <= run.maxBytes
      if isWithin or index >= run.entries then break end
      run.bytes = run.bytes - #entry[2][2]
      run.first = index + 1
    end
    redis.call('XTRIM', entriesKey, 'MINID', text(run.first))
  end
end

local added, addedBytes = {}, 0
for i = FIRST_ENTRY + run.entries - after, #ARGV do
  run.entries = run.entries + 1
  redis.call('XADD', entriesKey, text(run.entries) .. '-0', 'd', ARGV[i])
  addedBytes = addedBytes + #ARGV[i]
  added[#added + 1] = ARGV[i]
end
run.bytes = run.bytes + addedBytes
run.lease = now + run.leaseMs
trim()
redis.call('HSET', runKey, 'n', text(run.entries), 'f', text(run.first), 'b', text(run.bytes), 'l', text(run.lease))
keep(run.leaseMs + run.keepMs)
if #added > 0 then
  local isLong = addedBytes > MAX_MESSAGE_BYTES
  publish(run, 'entries', isLong and 0 or run.entries - #added + 1, isLong and {} or added)
end
return {1, tonumber(run.stop), math.max(0, now - run.watched), run.entries}
`);

/**
 * Ends a run that goes on under this epoch. With fewer entries than the caller knows to be accepted it ends as failed with the
 * reason `lost`.
 *
 * - ARGV[6]: number of entries that the caller knows to be accepted. ARGV[7]: state. ARGV[8]: reason.
 *
 * @returns the record; nothing where the run is not stored under this epoch
 */
export const END_RUN_SCRIPT = new LuaScript(`${OPEN_RUN}
local known, state, reason = tonumber(ARGV[6]), ARGV[7], ARGV[8]
if not run or run.epoch ~= epoch then return confirmed(nil) end
if run.state == 'running' then
  if known > run.entries then state, reason = 'failed', 'lost' end
  local refusal = finish(run, state, reason, now)
  if refusal then return refusal end
end
return confirmed(recordOf(run))
`);

/** Asks the producer to stop. @returns the record; nothing where there is no such run */
export const STOP_RUN_SCRIPT = new LuaScript(`${OPEN_RUN}
if not run then return confirmed(nil) end
if run.state == 'running' and run.stop ~= '1' then
  redis.call('HSET', runKey, 'p', '1')
  publish(run, 'stop')
end
return confirmed(recordOf(run))
`);

/**
 * Reads a page of entries. The stream is read in small chunks, so that a call takes a time that depends on the bytes of the
 * page.
 *
 * - ARGV[6]: index after which entries are wanted. ARGV[7]: bytes after which no entry is added. ARGV[8]: `1` for a follower.
 *
 * @returns the record, the index of the first entry, and the entries; nothing where there is no such run
 */
export const READ_RUN_SCRIPT = new LuaScript(`${OPEN_RUN}
local after, maxBytes, follows = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1'
local MAX_CHUNK = 256
-- Most reads of followers write nothing, and so nothing to replicas either.
local WATCHED_STEP_MS = 200
if not run then return confirmed(nil) end
if follows and run.state == 'running' and now - run.watched >= WATCHED_STEP_MS then
  redis.pcall('HSET', runKey, 'v', text(now))
end
if epoch ~= '' and epoch ~= run.epoch then after = 0 end
local nextIndex = math.max(after + 1, run.first)
local firstIndex, found, bytes = nextIndex, {}, 0
local average = math.max(1, run.bytes / math.max(1, run.entries - run.first + 1))
while nextIndex <= run.entries and (bytes < maxBytes or #found == 0) do
  local count = math.max(1, math.min(MAX_CHUNK, math.ceil((maxBytes - bytes) / average)))
  local entries = redis.call('XRANGE', entriesKey, text(nextIndex), '+', 'COUNT', count)
  -- Entries are evicted by Redis, or deleted by another program: the run is what is left.
  if #found == 0 and #entries == 0 then run.first, firstIndex = run.entries + 1, run.entries + 1 end
  for _, entry in ipairs(entries) do
    if bytes >= maxBytes and #found > 0 then break end
    local index = tonumber(string.match(entry[1], '^%d+'))
    if #found == 0 and index > nextIndex then run.first, firstIndex = index, index end
    found[#found + 1] = entry[2][2]
    bytes = bytes + #entry[2][2]
    nextIndex = index + 1
  end
  if #entries < count then break end
end
return confirmed({recordOf(run), firstIndex, found})
`);

export const RUN_SCRIPTS: readonly LuaScript[] = [
  START_RUN_SCRIPT,
  APPEND_RUN_SCRIPT,
  END_RUN_SCRIPT,
  STOP_RUN_SCRIPT,
  READ_RUN_SCRIPT,
];
