/**
 * A command that the scripts use, with arguments as the scripts use them, in Lua: `key` and `channel` are names for this
 * check alone.
 */
type ScriptCommand = readonly [name: string, ...args: readonly string[]];

/** Commands of publishing, reading and the registry of nodes. Each call finds what the calls before it have written. */
export const EVENT_COMMANDS: readonly ScriptCommand[] = [
  ['TIME'],
  ['SPUBLISH', 'channel', "''"],
  ['DEL', 'key'],
  ['SET', 'key', "'1'", "'PX'", "'1000'"],
  ['GET', 'key'],
  ['DEL', 'key'],
  ['HSET', 'key', "'a'", "'1'"],
  ['PEXPIRE', 'key', "'1000'"],
  ['HMGET', 'key', "'a'"],
  ['HGETALL', 'key'],
  ['HDEL', 'key', "'a'"],
  ['XADD', 'key', "'MAXLEN'", "'1'", "'1-0'", "'a'", "'1'"],
  ['XTRIM', 'key', "'MINID'", "'1'"],
  ['XRANGE', 'key', "'(0-0'", "'+'", "'COUNT'", "'1'"],
  ['XREVRANGE', 'key', "'+'", "'0'", "'COUNT'", "'1'"],
  ['DEL', 'key'],
];

/** Commands of presence. */
export const PRESENCE_COMMANDS: readonly ScriptCommand[] = [
  ['TIME'],
  ['SPUBLISH', 'channel', "''"],
  ['DEL', 'key'],
  ['HSET', 'key', "'a'", "'1'"],
  ['HINCRBY', 'key', "'a'", "'1'"],
  ['HGET', 'key', "'a'"],
  ['HGETALL', 'key'],
  ['HLEN', 'key'],
  ['HRANDFIELD', 'key', "'1'"],
  ['HDEL', 'key', "'a'"],
  ['ZADD', 'key', "'1'", "'a'"],
  ['ZSCORE', 'key', "'a'"],
  ['ZRANGEBYSCORE', 'key', "'-inf'", "'+inf'", "'LIMIT'", "'0'", "'1'"],
  ['ZREM', 'key', "'a'"],
];
