import { EventSource as NpmEventSource } from 'eventsource';
import { EventSource as UndiciEventSource } from 'undici';
import { within } from '../support/within.js';
import { parsed } from './parsed.js';
import { checkedAndEncoded, VectorServer, VISITS } from './vector-server.js';
import { END_EVENT, REFUSED, typesOf, VECTORS, type DispatchedEvent } from './vectors.js';

describe.each(VECTORS)('$name', ({ send, receive }) => {
  it('is parsed by eventsource-parser as sent', () => {
    const { events, errors } = parsed(...send.map(checkedAndEncoded));
    expect(errors).toEqual([]);
    expect(events.map(({ event = 'message', data }) => ({ type: event, data }))).toEqual(
      receive.map(({ type, data }) => ({ type, data })),
    );
  });
});

it.each(REFUSED)('the check refuses $name', ({ fields, code }) => {
  expect(() => checkedAndEncoded({ ...fields, data: 'x' })).toThrow(expect.objectContaining({ code }));
});

/** The part of a browser's EventSource that both classes implement. */
interface BrowserEventSource {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { data?: string; lastEventId?: string }) => void): void;
  close(): void;
}

interface Client {
  readonly name: string;
  readonly connect: (url: string) => BrowserEventSource;
  /** Shows an id also on the events that follow the one that carried it. */
  readonly idsPersist: boolean;
  /** Sends no `Last-Event-ID` after an empty id. */
  readonly forgets: boolean;
}

// These two do not meet the whole standard; Chromium does (vectors-browser.spec.ts).
const clients: readonly Client[] = [
  { name: 'undici', connect: (url) => new UndiciEventSource(url), idsPersist: true, forgets: false },
  { name: 'eventsource', connect: (url) => new NpmEventSource(url), idsPersist: false, forgets: true },
];

describe.each(clients)('EventSource of $name', ({ connect, idsPersist, forgets }) => {
  let server: VectorServer;
  let source: BrowserEventSource | undefined;

  beforeAll(async () => {
    server = await VectorServer.start();
  });
  afterEach(() => source?.close());
  afterAll(() => server.close());

  it.each(VECTORS.map((vector, index) => ({ index, ...vector })))('receives $name', async (vector) => {
    const received: DispatchedEvent[] = [];
    const opened = (source = connect(`${server.url}/vector/${vector.index}`));
    for (const type of typesOf(vector)) {
      opened.addEventListener(type, ({ data = '', lastEventId = '' }) =>
        received.push({ type, data, lastEventId }),
      );
    }
    await within(
      new Promise<void>((resolve) => opened.addEventListener(END_EVENT, () => resolve())),
      'the end',
    );
    const expected = vector.receive.map((event, index) =>
      idsPersist
        ? event
        : { ...event, lastEventId: vector.send.filter(({ data }) => data !== undefined)[index]?.id ?? '' },
    );
    expect(received).toEqual(expected);
  });

  it('reconnects at once with its last id, forgets an id that was reset, and does not reconnect after 204', async () => {
    const received: (string | undefined)[] = [];
    const opened = (source = connect(`${server.url}/reconnects`));
    opened.addEventListener('visit', ({ data }) => received.push(data));
    await within(
      new Promise<void>((resolve) => {
        opened.addEventListener('error', () => opened.readyState === 2 && resolve());
      }),
      'the end of all visits',
    );
    const sent = VISITS.map(({ lastEventId }) => lastEventId);
    expect(server.lastEventIds).toEqual(forgets ? sent : [...sent.slice(0, -1), 'x'.repeat(128)]);
    expect(received).toEqual(VISITS.flatMap(({ answer }) => answer?.data ?? []));
  });
});
