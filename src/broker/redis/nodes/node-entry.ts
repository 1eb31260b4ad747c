import type { RedisReply } from '../driver/redis-driver.interface.js';

/** Longest accepted text of an entry. Nodes write less; any program with access to Redis could write more. */
const MAX_TEXT = 8_192;

/** The entry of a node that the others read: the options on which all nodes of an application should agree. */
export interface NodeEntry {
  /** As in `BrokerNode.id`. Empty for a node of an older version, which answers no command. */
  readonly id: string;
  /** Host and process id, for log lines. */
  readonly name: string;
  readonly partitions: number;
  /** The history limits of all rooms in words. */
  readonly history: string;
  /** The channel on which the node receives control messages. */
  readonly channel: string;
  /** `false` for a process that has subscribed nothing, and therefore has no clients. */
  readonly receives: boolean;
}

export function encodeNodeEntry({ id, name, partitions, history, channel, receives }: NodeEntry): string {
  return JSON.stringify({ id, name, partitions, history, channel, receives });
}

/** @returns `undefined` for a malformed entry */
export function parseNodeEntry(text: RedisReply): NodeEntry | undefined {
  if (typeof text !== 'string' || text.length > MAX_TEXT) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { id = '', name, partitions, history, channel, receives = true } = parsed as Record<string, unknown>;
  // Names and limits appear in log lines, which a line break could forge.
  const isEntry = isPrintable(name) && isPrintable(history) && isPrintable(channel) && isCount(partitions);
  return isEntry && isPrintable(id)
    ? { id, name, partitions, history, channel, receives: receives !== false }
    : undefined;
}

function isPrintable(value: unknown): value is string {
  return typeof value === 'string' && !/[\p{Cc}\u2028\u2029]/u.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 64;
}
