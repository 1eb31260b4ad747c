import { wellFormed } from '../protocol/parsed.js';
import { PATIENCE_MS, within } from '../support/within.js';
import { expectSameBytes, type ExpectedEvent } from './expected-event.js';
import type { ReceivedStream } from './received-stream.js';
import type { SseClient } from 'nestjs-simple-sse';
import type { Ending } from '../support/event-stream.js';

/** The module's own event at the start of each stream, `sse:ready`. */
const CONTROL_EVENTS = 1;

/** One client of a test: what it received, and what it must receive. */
export class TestClient {
  readonly expected: Promise<ExpectedEvent>[] = [];

  constructor(
    readonly received: ReceivedStream,
    readonly sseClient: SseClient,
    readonly rooms: readonly string[],
    /** Bytes before the first event of a test: `retry:` and `sse:ready`. */
    private readonly headBytes: number,
  ) {}

  /** Appends what the client must receive next. */
  expect(...events: (ExpectedEvent | Promise<ExpectedEvent>)[]): void {
    this.expected.push(...events.map((event) => Promise.resolve(event)));
  }

  /** Resolves once as many bytes have arrived as are expected. */
  async receivedAll(): Promise<void> {
    const expected = await Promise.all(this.expected);
    const bytes = expected.reduce((sum, { text }) => sum + Buffer.byteLength(text), this.headBytes);
    await this.received.reaches(bytes);
  }

  /** Waits for the expected bytes and throws unless exactly these arrived: not one more, fewer or different. */
  async verify(): Promise<void> {
    await this.receivedAll();
    const expected = await Promise.all(this.expected);
    const text = expected.map((event) => event.text).join('');
    expectSameBytes(this.received.body.subarray(this.headBytes), Buffer.from(text));
    const parsed = this.received.parsed();
    const parsedEvents = parsed.events.slice(CONTROL_EVENTS);
    const events = expected
      .flatMap(({ event }) => event ?? [])
      .map((event) => ({ ...event, data: wellFormed(event.data) }));
    expect(parsed.errors).toEqual([]);
    expect(parsedEvents.length).toBe(events.length);
    const wrong = events.findIndex((event, n) => !sameEvent(event, parsedEvents[n]));
    if (wrong >= 0) expect(parsedEvents[wrong]).toEqual(events[wrong]);
    expect(parsed.comments).toEqual(expected.flatMap(({ comment }) => comment ?? []));
    expect(parsed.retries.slice(1)).toEqual(expected.flatMap(({ retry }) => retry ?? []));
  }

  async endsAs(ending: Ending): Promise<void> {
    expect(await within(this.received.ended, 'the end of the stream', PATIENCE_MS)).toBe(ending);
  }
}

function sameEvent(one: NonNullable<ExpectedEvent['event']>, other: ExpectedEvent['event']): boolean {
  return other !== undefined && one.event === other.event && one.data === other.data && one.id === other.id;
}
