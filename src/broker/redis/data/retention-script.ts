/**
 * Lines of the publish and read scripts after `OPEN_STATE`. They define how long the last positions of rooms are kept,
 * which no node may judge by its own options: processes can differ in `historyMaxAgeMs`.
 *
 * - `lifetimeMs`: time for which every last position is kept: the longest that any node needs, 0 if no node has history;
 * - `keepLastPositions(ms)`: raises it to what a node needs;
 * - `forgottenUpTo(position)`: for a room without a known last position, the position up to which it may have had
 *   events; `position` itself where Redis evicts keys.
 *
 * Example: a worker keeps last positions for 2 s, and then a web node needs 120 s. From then on the worker keeps them
 * for 120 s, too. Events from before that moment may be forgotten: `k` holds it, and reads from before it are
 * incomplete in rooms without a known last position.
 */
export const RETENTION = `
local lifetimeMs, knownSince = tonumber(state[3] or '') or 0, tonumber(state[4] or '') or 0
local function keepLastPositions(ms)
  if ms <= lifetimeMs then return end
  if lifetimeMs > 0 then
    knownSince = math.max(lastPosition, now)
    redis.pcall('HSET', stateKey, 'k', text(knownSince))
  end
  lifetimeMs = ms
  redis.pcall('HSET', stateKey, 't', text(ms))
end
-- INFO takes longer than a publish: its answer is used for a second.
local checked, answer = string.match(state[5] or '', '^(%d+) ([01])$')
local function evicts()
  if checked and math.abs(now - tonumber(checked)) < 1000000 then return answer == '1' end
  local usage = serverRunId ~= '' and redis.pcall('INFO', 'memory')
  local policy = type(usage) == 'string' and string.match(usage, 'maxmemory_policy:([%w-]+)') or 'noeviction'
  local limit = type(usage) == 'string' and string.match(usage, '\\nmaxmemory:(%d+)') or '0'
  checked, answer = text(now), limit ~= '0' and policy ~= 'noeviction' and '1' or '0'
  redis.pcall('HSET', stateKey, 'v', checked .. ' ' .. answer)
  return answer == '1'
end
local function forgottenUpTo(position)
  if evicts() then return position end
  return math.max(0, knownSince, now - lifetimeMs * 1000)
end
`;
