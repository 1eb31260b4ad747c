import { createHash } from 'node:crypto';

/** A Lua script with its SHA-1, by which `EVALSHA` runs it. */
export class LuaScript {
  readonly source: string;
  readonly sha: string;

  constructor(source: string) {
    this.source = source;
    this.sha = createHash('sha1').update(source).digest('hex');
  }
}

/**
 * First lines of the publish and read scripts: opens the partition's state hash and defines
 *
 * - `stateKey`: KEYS[1], the state hash whose fields `RedisKeys` names;
 * - `epoch`: the current epoch; if the hash is missing, a new epoch begins;
 * - `storedPosition`: the greatest position stored in the hash;
 * - `lastPosition`: the greatest position known to the hash or the caller. A new position must be greater, even if
 *   the server's clock runs behind;
 * - `now`: the server's time in microseconds;
 * - `isPosition(number)`: true for a number that this package may have stored as a position;
 * - `text(position)`: the position in decimal digits. Positions are about 1.8e15: exact in a double, but `tostring`
 *   would round them.
 */
export const OPEN_STATE = `
local stateKey = KEYS[1]
local newEpoch = ARGV[1]       -- used if a new epoch begins
local serverRunId = ARGV[2]    -- stored with a new epoch
local callerPosition = ARGV[3] -- greatest position that the calling node has seen
local state = redis.call('HMGET', stateKey, 'e', 'g', 't', 'k', 'v')
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(position) return string.format('%.0f', position) end
local epoch, storedPosition = state[1], tonumber(state[2] or '0') or 0
-- A greater number could not be counted up: additions to it are lost in a double.
local function isPosition(number) return number >= 0 and number < 9e15 end
-- A malformed hash, which another program has written, counts as missing.
local isMalformed = not isPosition(storedPosition)
if isMalformed then storedPosition = 0 end
if not epoch or #epoch ~= 8 or string.find(epoch, '[^0-9a-f]') or isMalformed then
  epoch = newEpoch
  redis.call('HSET', stateKey, 'e', epoch, 'r', serverRunId, 'g', text(storedPosition), 'b', text(now))
end
local lastPosition = math.max(storedPosition, tonumber(callerPosition))
`;
