import type { PublishOptions } from '../../broker.interface.js';
import type { RoomEvent } from '../../../protocol/room-message.js';
import type { EarlierCopy } from '../../../protocol/position.js';

/** A decoded event with its publish options. Streams and channels hold it in the same text format. */
export interface StoredEvent extends RoomEvent {
  readonly except: readonly string[] | undefined;
  readonly volatile: boolean;
  readonly copies: readonly EarlierCopy[] | undefined;
}

/**
 * Metadata in front of the data, with short keys: `n` name, `s` serialized, `x` except, `v` volatile, `c` earlier
 * copies.
 */
interface EventHeader {
  readonly n?: string | undefined;
  readonly s?: 1 | undefined;
  readonly x?: readonly string[] | undefined;
  readonly v?: 1 | undefined;
  readonly c?: readonly EarlierCopy[] | undefined;
}

/**
 * Encodes an event as a header line and its data. The data is not quoted, which would add about a third to its size.
 *
 * @returns a line of JSON, empty without metadata, a line break and the data
 */
export function encodeEventText(event: RoomEvent, { except, volatile, copies }: PublishOptions): string {
  const header: EventHeader = {
    n: event.event,
    s: event.serialized ? 1 : undefined,
    x: except?.length === 0 ? undefined : except,
    v: volatile === true ? 1 : undefined,
    c: copies,
  };
  const line = JSON.stringify(header);
  return `${line === '{}' ? '' : line}\n${event.data}`;
}

/** @returns `undefined` for malformed text, which any user with access to Redis could write */
export function decodeEventText(text: string): StoredEvent | undefined {
  const end = text.indexOf('\n');
  const header = end > 0 ? parseHeader(text.slice(0, end)) : {};
  if (end < 0 || header === undefined) return undefined;
  return {
    event: header.n,
    data: text.slice(end + 1),
    serialized: header.s === 1,
    except: header.x,
    volatile: header.v === 1,
    copies: header.c,
  };
}

function parseHeader(line: string): EventHeader | undefined {
  try {
    const header: unknown = JSON.parse(line);
    return typeof header === 'object' && header !== null ? header : undefined;
  } catch {
    return undefined;
  }
}
