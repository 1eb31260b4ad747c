import { createHash } from 'node:crypto';

/** A script and the name that Redis gives to it. */
export class LuaScript {
  readonly source: string;
  readonly sha: string;

  constructor(source: string) {
    this.source = source;
    this.sha = createHash('sha1').update(source).digest('hex');
  }
}

/**
 * How each script begins: KEYS[1] is the memory's hash; ARGV[1] an epoch and ARGV[2] the server's run id, should the
 * memory begin now; ARGV[3] the greatest position the caller has seen, below which no new one may lie, whatever the
 * server's clock says.
 *
 * Positions are about 1.8e15: exact in a double, but `tostring` would round them.
 */
export const OPEN_MEMORY = `
local memory = redis.call('HMGET', KEYS[1], 'e', 'g')
local epoch, stored = memory[1], tonumber(memory[2] or '0')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'e', epoch, 'r', ARGV[2])
end
local last = math.max(stored, tonumber(ARGV[3]))
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(position) return string.format('%.0f', position) end
`;
