import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as fc from 'fast-check';
import { someTurns } from '../support/within.js';

/** Texts that have broken parsers of requests. */
const hostile = fc.constantFrom(
  '',
  '*',
  '%00',
  '%',
  '%zz',
  '%2e%2e%2f',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '[object Object]',
  'undefined',
  '\u{1f600}',
  'a'.repeat(2_000),
  '1.5e7684bd.hoj30g10hs',
  '1.00000000.0',
  '9007199254740993',
  '-1',
  '{"rooms":["a"]}',
  '[[[[',
);
const text = fc.oneof(
  { weight: 2, arbitrary: hostile },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);
/** A text without the characters that end a line of a request. */
const lineText = text.map((value) => value.replace(/[\r\n]/g, ''));
const tokenText = lineText.map((value) => value.replace(/[\s#?]/g, ''));

const query = fc
  .array(fc.tuple(fc.constantFrom('room', 'lastEventId', 'room[]', '__proto__[x]', 'key'), tokenText), {
    maxLength: 4,
  })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'));

const path = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/rooms/lobby', '/post', '/slow', '/sse/publish', '/raw') },
  { weight: 2, arbitrary: tokenText.map((room) => `/rooms/${room}`) },
  { weight: 2, arbitrary: query.map((pairs) => `/query?${pairs}`) },
  { weight: 1, arbitrary: tokenText.map((value) => `/${value}`) },
);

const method = fc.oneof(
  { weight: 12, arbitrary: fc.constant('GET') },
  { weight: 4, arbitrary: fc.constant('POST') },
  { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'DELETE', 'get', 'PRI', 'CONNECT', '') },
);

const printable = lineText.map((value) => encodeURI(value.replace(/\p{Surrogate}/gu, '')));
/** A header that a server reads, with any value. */
const readHeader = fc.tuple(
  fc.constantFrom(
    'Last-Event-ID',
    'Accept',
    'Origin',
    'Cookie',
    'Sec-Fetch-Site',
    'Authorization',
    'Sse-Refusal',
    'X-Forwarded-For',
  ),
  fc.oneof(fc.constantFrom('text/event-stream', 'application/json', 'null', 'cross-site', 'status'), {
    weight: 2,
    arbitrary: printable,
  }),
);
/** A header that decides where the request and its connection end, or bytes that are no header. */
const framingHeader = fc.tuple(
  fc.constantFrom(
    'Content-Type',
    'Content-Length',
    'Content-Encoding',
    'Transfer-Encoding',
    'Connection',
    'Expect',
    'Upgrade',
    'Host',
  ),
  fc.oneof(
    fc.constantFrom('chunked', 'close', 'keep-alive', '100-continue', 'gzip', '5', '1000000', 'h2c'),
    lineText,
  ),
);
export const headers = fc
  .tuple(
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(readHeader, { maxLength: 4 })),
    fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(framingHeader, { maxLength: 3 })),
  )
  .map(([read, framing]) => [...read, ...framing]);

const body = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth)) },
);

interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Whether the length that the request states is that of its body. */
  readonly hasTrueLength: boolean;
}

/** One request, of which any part may be nonsense. */
export const fuzzedRequest: fc.Arbitrary<FuzzedRequest> = fc.record({
  method,
  path,
  headers,
  body,
  hasTrueLength: fc.boolean(),
});

function bytesOf(request: FuzzedRequest): Buffer {
  const content = Buffer.from(request.body);
  const lines = [
    `${request.method} ${request.path} HTTP/1.1`,
    'Host: localhost',
    ...(request.hasTrueLength && content.length > 0
      ? ['Content-Type: application/json', `Content-Length: ${content.length}`]
      : []),
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content]);
}

/** What a client does on one connection. */
export interface Conversation {
  /** Pipelined. */
  readonly requests: readonly FuzzedRequest[];
  /** Places at which the bytes are divided into writes, as parts of the whole. */
  readonly cuts: readonly number[];
  /** The part of the bytes that is sent at all. */
  readonly sent: number;
  readonly end: 'close' | 'half-close' | 'reset' | 'stay';
  /** Turns of the event loop before the end. */
  readonly turns: number;
}

export const conversation: fc.Arbitrary<Conversation> = fc.record({
  requests: fc.array(fuzzedRequest, { minLength: 1, maxLength: 8 }),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
  sent: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
  end: fc.constantFrom('close', 'half-close', 'reset', 'stay', 'stay', 'stay'),
  turns: fc.integer({ min: 0, max: 20 }),
});

/** Has a conversation with the server. @returns the socket, which may be open */
export async function talk(
  port: number,
  { requests, cuts, sent, end, turns }: Conversation,
): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  const all = Buffer.concat(requests.map(bytesOf));
  const bytes = all.subarray(0, Math.ceil(all.length * sent));
  const places = [
    0,
    ...cuts.map((cut) => Math.floor(cut * bytes.length)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  for (let index = 1; index < places.length; index++) {
    if (!socket.destroyed) socket.write(bytes.subarray(places[index - 1], places[index]));
    await someTurns(2);
  }
  await someTurns(turns);
  if (end === 'half-close') socket.end();
  if (end === 'close') socket.destroy();
  if (end === 'reset') socket.resetAndDestroy();
  return socket;
}
