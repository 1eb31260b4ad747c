/** Most bytes of entries in one message to the followers. Larger ones are read by each node. */
export const MAX_MESSAGE_BYTES = 16_384;

/**
 * First lines of the scripts of runs. Marks a run whose lease has expired as failed, by the clock of Redis only.
 *
 * - KEYS: the state hash of the partition, which the scripts of runs do not use otherwise; the hash of the run; the stream of
 *   its entries. All are in the slot of the partition.
 * - ARGV[1] to ARGV[3]: added by `CommandLink.run` for `OPEN_STATE`, not used. ARGV[4]: the channel of the run. ARGV[5]: the
 *   epoch of the caller; empty for none.
 *
 * Fields of the hash: `e` epoch, `s` state, `w` reason, `a` start and `z` end in milliseconds, `n` number of accepted entries,
 * `f` index of the oldest stored one, `b` bytes of the stored ones, `l` expiry of the lease and `v` last read of a follower in
 * milliseconds, `p` is `1` after a request to stop, `o` the bounds: lease and storage in milliseconds, most entries, most bytes.
 *
 * Entries have the id `<index>-0` and the field `d`.
 *
 * Defines `run` (nil without one; a malformed hash, which another program has written, counts as none), `publish`, `finish`,
 * `keep`, `recordOf` and `confirmed`, which answers READONLY on a replica: it may lack entries.
 */
export const OPEN_RUN = `
local runKey, entriesKey = KEYS[2], KEYS[3]
local channel, epoch = ARGV[4], ARGV[5]
local MAX_MESSAGE_BYTES = ${MAX_MESSAGE_BYTES}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end

local function load()
  local fields = redis.call('HMGET', runKey, 'e', 's', 'w', 'a', 'z', 'n', 'f', 'b', 'l', 'v', 'p', 'o')
  local leaseMs, keepMs, maxEntries, maxBytes = string.match(fields[12] or '', '^(%d+) (%d+) (%d+) (%d+)$')
  if not leaseMs then return nil end
  for i = 1, 11 do
    local isNumber = i > 3 and i < 11
    if not fields[i] or (isNumber and not tonumber(fields[i])) then return nil end
  end
  return {epoch = fields[1], state = fields[2], reason = fields[3], started = tonumber(fields[4]), ended = tonumber(fields[5]),
    entries = tonumber(fields[6]), first = tonumber(fields[7]), bytes = tonumber(fields[8]), lease = tonumber(fields[9]),
    watched = tonumber(fields[10]), stop = fields[11], leaseMs = tonumber(leaseMs), keepMs = tonumber(keepMs),
    maxEntries = tonumber(maxEntries), maxBytes = tonumber(maxBytes)}
end

local function recordOf(run)
  return {run.epoch, run.state, run.reason, text(run.started), text(run.ended), text(run.entries), text(run.first)}
end

-- Tells the nodes with followers. Entries are part of the message where they are few: then no node reads them.
local function publish(run, change, firstIndex, entries)
  local list = entries and #entries > 0 and cjson.encode(entries) or '[]'
  local parts = {'"' .. change .. '"', cjson.encode(recordOf(run)), text(firstIndex or 0), list}
  redis.call('SPUBLISH', channel, '[' .. table.concat(parts, ',') .. ']')
end

-- Answers without another write. A replica refuses this one, which changes nothing. It comes last: after any write Redis would
-- no longer refuse entries for which it has no memory.
local function confirmed(reply)
  local write = redis.pcall('HDEL', KEYS[1], '')
  if type(write) == 'table' and string.find(write.err, '^READONLY') then return write end
  return reply
end

local function keep(ms)
  redis.call('PEXPIRE', runKey, text(ms))
  redis.call('PEXPIRE', entriesKey, text(ms))
end

-- Out of memory Redis refuses the write: then nothing is published. @returns the refusal
local function finish(run, state, reason, ended)
  run.state, run.reason, run.ended = state, reason, ended
  local written = redis.pcall('HSET', runKey, 's', state, 'w', reason, 'z', text(ended))
  if type(written) == 'table' then return written end
  keep(math.max(1, ended + run.keepMs - now))
  publish(run, 'end')
end

local run = load()
-- Where the write is refused, the answer is right all the same, and the next call repeats the write.
if run and run.state == 'running' and run.lease <= now then finish(run, 'failed', 'lease', run.lease) end
`;
