import type { RunChange, RunPage, RunProgress, RunRecord, RunState } from '../../run-store.interface.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import { unavailable } from '../link/redis-errors.js';

const STATES: readonly unknown[] = ['running', 'done', 'failed', 'stopped'] satisfies RunState[];
const CHANGES: readonly unknown[] = ['entries', 'stop', 'end'] satisfies RunChange[];

/** Parses the list of `recordOf` in `OPEN_RUN`. @returns `undefined` for something else */
function recordOf(reply: unknown): RunRecord | undefined {
  if (!Array.isArray(reply) || reply.length !== 7) return undefined;
  const [epoch, state, reason] = reply.map(String) as [string, string, string];
  const [startedAtMs, endedAtMs, entries, firstKept] = reply.slice(3).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const numbers = [startedAtMs, endedAtMs, entries, firstKept];
  if (!STATES.includes(state) || !numbers.every(Number.isSafeInteger)) return undefined;
  return {
    epoch,
    state: state as RunState,
    ...(reason === '' ? {} : { reason }),
    startedAtMs,
    ...(endedAtMs === 0 ? {} : { endedAtMs }),
    entries,
    firstKept,
  };
}

/** @throws SseError `broker-unavailable` */
export function parseRecord(reply: RedisReply): RunRecord {
  const record = recordOf(reply);
  if (record === undefined)
    throw unavailable('Redis has answered a call of a run with something else.', undefined);
  return record;
}

export function parseOptionalRecord(reply: RedisReply): RunRecord | undefined {
  return reply === null ? undefined : parseRecord(reply);
}

export function parseProgress(reply: RedisReply): RunProgress {
  const [accepted, stop, unwatchedMs, entries] = (reply as readonly RedisReply[]).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { accepted: accepted === 1, stop: stop === 1, unwatchedMs, entries };
}

export function parsePage(reply: RedisReply): RunPage | undefined {
  if (reply === null) return undefined;
  const [record, firstIndex, entries] = reply as [RedisReply, number, readonly RedisReply[]];
  return { record: parseRecord(record), firstIndex, entries: entries.map(String) };
}

/** A message to the nodes with followers. */
export interface RunMessage {
  readonly change: RunChange;
  /** The record at that moment, and the entries that it has brought, if they are part of the message. */
  readonly page: RunPage;
}

/**
 * Parses a message of `publish` in `OPEN_RUN`.
 *
 * @returns `undefined` for malformed text, which any user with access to Redis could publish
 */
export function parseRunMessage(text: string): RunMessage | undefined {
  try {
    const [change, fields, firstIndex, entries] = JSON.parse(text) as [unknown, unknown, unknown, unknown];
    const record = recordOf(fields);
    const isList = Array.isArray(entries) && entries.every((entry) => typeof entry === 'string');
    if (record === undefined || !CHANGES.includes(change) || !Number.isSafeInteger(firstIndex) || !isList)
      return undefined;
    return { change: change as RunChange, page: { record, firstIndex: firstIndex as number, entries } };
  } catch {
    return undefined;
  }
}
