import type { SseFields } from '../../src/protocol/encode-event.js';

/** An event that a client dispatches. */
export interface DispatchedEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** Events that an application sends, and the events that every client must dispatch. */
export interface Vector {
  /** After the file of the web-platform-tests (`eventsource/`) whose expected events these are, where there is one. */
  readonly name: string;
  readonly send: readonly SseFields[];
  readonly receive: readonly DispatchedEvent[];
}

/** Fields that an application may pass and that must be refused. */
export interface RefusedVector {
  readonly name: string;
  readonly fields: { readonly event?: unknown; readonly id?: unknown; readonly retry?: unknown };
  readonly code: 'invalid-event-name' | 'invalid-id' | 'invalid-retry';
}

/** Makes one unnamed event for each text, received unchanged. */
function texts(name: string, ...data: readonly string[]): Vector {
  return changed(name, ...data.map((text) => [text, text] as const));
}

/** Makes one unnamed event for the first text of each pair, received as the second. */
function changed(name: string, ...pairs: readonly (readonly [sent: string, received: string])[]): Vector {
  return {
    name,
    send: pairs.map(([data]) => ({ data })),
    receive: pairs.map(([, data]) => ({ type: 'message', data, lastEventId: '' })),
  };
}

function named(name: string, ...names: readonly string[]): Vector {
  return {
    name,
    send: names.map((event) => ({ event, data: 'x' })),
    receive: names.map((event) => ({ type: event === '' ? 'message' : event, data: 'x', lastEventId: '' })),
  };
}

const LONG_COMMENT = 'x'.repeat(2_048);

/** The vectors of the web-platform-tests, inverted: there the bytes are given and the events expected. */
export const VECTORS: readonly Vector[] = [
  texts('format-field-data', '', '\n', 'test'),
  texts('format-field-parsing', '\0\n 2\n1\n3\n\n4'),
  texts('format-newlines', 'test\n\ntest'),
  texts('format-leading-space', '\ttest\n\ntest', ' lead', '  two', ' '),
  texts('format-null-character', '\0', 'a\0b'),
  texts('format-bom: a BOM is text', '\ufeffx', '\ufeff', 'a\n\ufeffdata: b'),
  texts('format-utf-8', 'ok…', 'zürich 🙂 日本語 ‮', '👩‍👩‍👧'),
  texts(
    'format-field-unknown: fields within data are data',
    'event: a\nid: 5\nretry: 1\n: c\ndata: d\nData:x\ndata',
  ),
  texts('event-data', 'msg\nmsg', '', 'end'),
  texts('no other line end', 'a\u2028b\u2029c\u0085d\ve\ff'),
  texts('line ends at the edges', '\na', 'a\n', '\n\n', 'a\n\nb'),
  texts('JSON', '{"id":7,"text":"two\\nlines"}', 'null', '[DONE]'),
  texts('a megabyte', 'x'.repeat(1_048_576), 'after'),
  texts('ten thousand lines', Array.from({ length: 10_000 }, (_, n) => `line ${n}`).join('\n')),
  changed(
    'CR and CRLF become LF',
    ['a\r\nb\rc', 'a\nb\nc'],
    ['\r', '\n'],
    ['\r\n\r\n', '\n\n'],
    ['a\n\rb', 'a\n\nb'],
  ),
  changed(
    'lone surrogates become U+FFFD',
    ['\ud800', '\ufffd'],
    ['a\udfffb', 'a\ufffdb'],
    ['\ude42\ud83d', '\ufffd\ufffd'],
  ),
  named('format-field-event', 'test', 'x'),
  named('format-field-event-empty', ''),
  named(
    'event names',
    'message',
    'with space',
    'a:b',
    ':',
    ' lead',
    'Error',
    'ünïcode 🙂',
    'data',
    '\ufeff',
    'constructor',
  ),
  {
    name: 'format-comments',
    send: [
      { comment: LONG_COMMENT, data: '1' },
      { comment: '\0' },
      { comment: `${LONG_COMMENT}\r${LONG_COMMENT}\r\ndata: forged` },
      { comment: '', data: '2' },
      { comment: 'bare' },
      { comment: '\n\n', data: '3' },
      { comment: 'last' },
    ],
    receive: ['1', '2', '3'].map((data) => ({ type: 'message', data, lastEventId: '' })),
  },
  {
    name: 'format-field-id: an id persists and changes',
    send: [
      { id: '1', data: 'a' },
      { data: 'b' },
      { id: '2', event: 'named', data: 'c' },
      { id: '0', data: 'd' },
    ],
    receive: [
      { type: 'message', data: 'a', lastEventId: '1' },
      { type: 'message', data: 'b', lastEventId: '1' },
      { type: 'named', data: 'c', lastEventId: '2' },
      { type: 'message', data: 'd', lastEventId: '0' },
    ],
  },
  {
    name: 'format-field-id-3: an empty id resets it',
    send: [{ id: '1', data: 'a' }, { id: '', data: 'b' }, { data: 'c' }],
    receive: [
      { type: 'message', data: 'a', lastEventId: '1' },
      { type: 'message', data: 'b', lastEventId: '' },
      { type: 'message', data: 'c', lastEventId: '' },
    ],
  },
  {
    name: 'an id of every printable character, and of the greatest length',
    send: [
      { id: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', data: 'a' },
      { id: 'x'.repeat(128), data: 'b' },
    ],
    receive: [
      { type: 'message', data: 'a', lastEventId: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~' },
      { type: 'message', data: 'b', lastEventId: 'x'.repeat(128) },
    ],
  },
  {
    name: 'format-field-retry: retry changes no event',
    send: [{ retry: 3_000 }, { retry: 0, data: 'a' }, { retry: 3_000, id: '1', event: 'b', data: 'b' }],
    receive: [
      { type: 'message', data: 'a', lastEventId: '' },
      { type: 'b', data: 'b', lastEventId: '1' },
    ],
  },
];

export const REFUSED: readonly RefusedVector[] = [
  ...['a\nb', 'a\rb', 'a\r\nb', '\n', 'a\0', 'error', 'open', 'sse:ready', 7, {}].map(
    (event) =>
      ({ name: `event ${JSON.stringify(event)}`, fields: { event }, code: 'invalid-event-name' }) as const,
  ),
  ...['a\0', 'a\nb', 'a\rb', 'é', 'a b', ' ', 'x'.repeat(129), NaN, {}].map(
    (id) => ({ name: `id ${JSON.stringify(id).slice(0, 20)}`, fields: { id }, code: 'invalid-id' }) as const,
  ),
  ...[1.5, -1, NaN, '5000x', '', Infinity, 1e21, '3000'].map(
    (retry) =>
      ({ name: `retry ${String(retry) || "''"}`, fields: { retry }, code: 'invalid-retry' }) as const,
  ),
];

/** The last event of each stream: the client has received all of it. */
export const END_EVENT = 'end-of-vector';

/** The names that a client must listen to. */
export function typesOf(vector: Vector): string[] {
  return [...new Set([...vector.receive.map(({ type }) => type), 'message', 'forged'])];
}
