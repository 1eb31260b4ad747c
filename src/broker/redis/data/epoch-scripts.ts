import { LuaScript } from './lua-script.js';

/**
 * Reads the current epoch, for a node that compares it with the epoch of events that Redis has accepted.
 *
 * - KEYS: the state hash.
 *
 * @returns the epoch; microseconds since its begin by the clock of the server; both empty if unknown
 */
export const EPOCH_SCRIPT = new LuaScript(`
local state = redis.call('HMGET', KEYS[1], 'e', 'b')
local began, time = tonumber(state[2] or ''), redis.call('TIME')
local ageUs = began and time[1] * 1000000 + time[2] - began
return {state[1] or '', ageUs and ageUs >= 0 and string.format('%.0f', ageUs) or ''}
`);

/**
 * Begins a new epoch, which is a gap for every client in every room, unless the epoch has changed already.
 *
 * - KEYS: the state hash.
 * - ARGV: the expected epoch; the new epoch.
 */
export const NEXT_EPOCH_SCRIPT = new LuaScript(`
if redis.call('HGET', KEYS[1], 'e') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'e', ARGV[2], 'b', string.format('%.0f', time[1] * 1000000 + time[2]))
return 1
`);
