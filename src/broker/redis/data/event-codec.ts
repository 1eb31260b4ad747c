import type { PublishOptions } from '../../broker.interface.js';
import type { EarlierCopy, RoomEvent } from '../../../protocol/room-message.js';

/** An event with what goes with it, as it stands in a stream and in a channel. */
export interface StoredEvent extends RoomEvent {
  readonly except: readonly string[] | undefined;
  readonly volatile: boolean;
  readonly copies: readonly EarlierCopy[] | undefined;
}

/** What is said beside the data, in few bytes: `n` name, `s` serialized, `x` except, `v` volatile, `c` earlier copies. */
interface Head {
  readonly n?: string | undefined;
  readonly s?: 1 | undefined;
  readonly x?: readonly string[] | undefined;
  readonly v?: 1 | undefined;
  readonly c?: readonly EarlierCopy[] | undefined;
}

/** @returns one line of JSON, or an empty one, and the data as it is: quoting it would cost a third of its size */
export function encodeEventText(event: RoomEvent, { except, volatile, copies }: PublishOptions): string {
  const head: Head = {
    n: event.event,
    s: event.serialized ? 1 : undefined,
    x: except?.length === 0 ? undefined : except,
    v: volatile === true ? 1 : undefined,
    c: copies,
  };
  const line = JSON.stringify(head);
  return `${line === '{}' ? '' : line}\n${event.data}`;
}

/** @returns `undefined` for what `encodeEventText` did not make: anybody with access to Redis may write there */
export function decodeEventText(text: string): StoredEvent | undefined {
  const end = text.indexOf('\n');
  const head = end > 0 ? parseHead(text.slice(0, end)) : {};
  if (end < 0 || head === undefined) return undefined;
  return {
    event: head.n,
    data: text.slice(end + 1),
    serialized: head.s === 1,
    except: head.x,
    volatile: head.v === 1,
    copies: head.c,
  };
}

function parseHead(line: string): Head | undefined {
  try {
    const head: unknown = JSON.parse(line);
    return typeof head === 'object' && head !== null ? head : undefined;
  } catch {
    return undefined;
  }
}
