import { ReceivedEvents } from './received-events.js';
import { settlesWithin, withResolve } from './real-timers.js';
import { TestConnection, type TestStreamEnd } from './test-connection.js';
import { describeEvent, isControlEvent, type TestEvent, type TestGap } from './test-event.js';
import { requestOf } from './test-response.js';
import { TestStreamError } from './test-stream-error.js';
import type { Opening, TestReconnectOptions, TestWaitOptions } from './test-stream-options.interface.js';

/**
 * An open stream of a test, from `openTestStream`. Its calls take the events one after the other; an event that a call has
 * returned or passed over is not returned again. `events` has them all.
 */
export class TestStream {
  readonly #opening: Opening;
  readonly #received = new ReceivedEvents();
  #connection: TestConnection | undefined;
  #ended: Promise<void> = Promise.resolve();
  #text = '';

  /** @internal */
  constructor(opening: Opening) {
    this.#opening = opening;
  }

  /** The HTTP status of the newest response: 200. */
  get status(): number {
    return this.#open.status;
  }

  /** The headers of the newest response. */
  get headers(): Readonly<Record<string, string | readonly string[] | undefined>> {
    return this.#open.headers;
  }

  /** Every event so far, `sse:ready` and `sse:gap` included, over all connections of this stream. */
  get events(): readonly TestEvent[] {
    return this.#received.all;
  }

  /** The body of the newest response so far, comments included. */
  get text(): string {
    return this.#text;
  }

  /** The data of each `sse:gap` so far. */
  get gaps(): readonly TestGap[] {
    return this.events.filter(({ event }) => event === 'sse:gap').map(({ data }) => data as TestGap);
  }

  /** The last id that has arrived, which `reconnect` sends; `undefined` before the first one. */
  get lastEventId(): string | undefined {
    const id = this.events.findLast((event) => event.id !== undefined)?.id;
    // An empty id resets the last one (HTML standard, 9.2.6).
    return id === '' ? undefined : id;
  }

  /** Whether the newest response is open. */
  get isOpen(): boolean {
    return this.#received.end === undefined;
  }

  /**
   * Returns the next event of the application; with a name the next one of this name, which passes over those before it.
   * Control events are returned by name only: `next('sse:gap')`.
   *
   * @throws TestStreamError after `timeoutMs`, or at the end of the stream. The message shows what came instead
   */
  async next(name?: string, options: TestWaitOptions = {}): Promise<TestEvent> {
    const matches = (event: TestEvent): boolean =>
      name === undefined ? !isControlEvent(event) : event.event === name;
    const taken = await this.#take(name === undefined ? 'event' : `event "${name}"`, matches, options);
    return taken.at(-1) as TestEvent;
  }

  /**
   * Takes events up to the first of this name, or up to the first that the predicate accepts.
   *
   * ```ts
   * const events = await stream.until(({ data }) => (data as Progress).done === 100);
   * ```
   *
   * @returns the application's events up to this one, which is the last
   * @throws TestStreamError as `next`
   */
  async until(
    last: string | ((event: TestEvent) => boolean),
    options: TestWaitOptions = {},
  ): Promise<TestEvent[]> {
    const matches = typeof last === 'string' ? (event: TestEvent) => event.event === last : last;
    const taken = await this.#take(
      typeof last === 'string' ? `event "${last}"` : 'such event',
      matches,
      options,
    );
    return taken.filter((event, index) => !isControlEvent(event) || index === taken.length - 1);
  }

  /**
   * Waits, and makes sure that no event of the application has come that no call has taken. A heartbeat is no event.
   *
   * @param ms milliseconds of the real clock. A longer wait makes a test slower, a shorter one may miss a late event
   * @throws TestStreamError that names what came, as soon as it comes
   */
  async expectNothing(ms: number): Promise<void> {
    const { untaken } = this.#received;
    if (untaken.length === 0) await this.#received.waitUntil(() => this.#received.untaken.length > 0, ms);
    const came = this.#received.untaken.map(describeEvent);
    if (came.length > 0) throw new TestStreamError(`Nothing was expected, but ${came.join(', ')} came.`);
  }

  /**
   * Returns the next comment, such as a heartbeat (an empty one), in the order in which they arrived.
   *
   * @throws TestStreamError after `timeoutMs`, or at the end of the stream
   */
  nextComment({ timeoutMs = this.#opening.timeoutMs }: TestWaitOptions = {}): Promise<string> {
    return this.#received.takeComment(timeoutMs);
  }

  /**
   * Waits for the end of the response.
   *
   * @returns how it ended: `'ended'` by the server, `'cut'` before its end or at a byte, `'closed'` by the test
   * @throws TestStreamError if it is still open after `timeoutMs`
   */
  async end({ timeoutMs = this.#opening.timeoutMs }: TestWaitOptions = {}): Promise<TestStreamEnd> {
    if (await this.#received.waitUntil(() => !this.isOpen, timeoutMs))
      return this.#received.end as TestStreamEnd;
    throw new TestStreamError(`The stream did not end within ${timeoutMs} ms.`);
  }

  /** Cuts the connection once the body has this many bytes, also within an event; at once where it has more. */
  cutAt(byte: number): void {
    this.#open.cutAt(byte);
  }

  /**
   * Ends the connection if it is open, and opens another one with the last id, as a browser does. Events that were received
   * and not taken stay.
   *
   * @returns settles with this stream when the new one is open
   * @throws TestStreamError as `openTestStream`
   */
  async reconnect({ lastEventId, cutAtByte }: TestReconnectOptions = {}): Promise<this> {
    await this.close();
    const id = lastEventId === false ? undefined : (lastEventId ?? this.lastEventId);
    await this.connect(id, cutAtByte);
    return this;
  }

  /** Ends the connection. Settles when it is closed. May be called twice, and `reconnect` opens another one. */
  async close(): Promise<void> {
    this.#connection?.close('closed');
    await this.#ended;
  }

  /**
   * As `close`, and stops the server if `openTestStream` has made it listen and no other stream of it is open: `await using
   * stream = await openTestStream(…)` does so at the end of its block.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.#opening.onDispose();
  }

  /** @internal */
  async connect(lastEventId: string | undefined, cutAtByte: number | undefined): Promise<void> {
    const { timeoutMs, ready, onDispose: _, ...request } = this.#opening;
    const headers = {
      ...request.headers,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    };
    const late = new AbortController();
    const opening = requestOf({ ...request, headers }, late.signal);
    if (!(await settlesWithin(opening, timeoutMs))) {
      opening.catch(() => {});
      late.abort();
      throw new TestStreamError(`${this.#name} was not answered within ${timeoutMs} ms.`);
    }
    const connection = new TestConnection(await opening, cutAtByte);
    const type = String(connection.headers['content-type']);
    if (connection.status !== 200 || !type.startsWith('text/event-stream')) {
      const body = await connection.text();
      throw new TestStreamError(
        `${this.#name} answered ${connection.status} ${type} instead of a stream: ${body.slice(0, 1_000)}`,
        connection.status,
        body,
      );
    }
    await this.#read(connection);
    if (ready) await this.#begun(timeoutMs);
  }

  async #read(connection: TestConnection): Promise<void> {
    this.#connection = connection;
    this.#text = '';
    this.#received.endedBy(undefined);
    const { promise, resolve } = withResolve();
    this.#ended = promise;
    await connection.read({
      onEvent: (event) => this.#received.add(event),
      onText: (text) => (this.#text += text),
      onComment: (comment) => this.#received.addComment(comment),
      onEnd: (end) => {
        this.#received.endedBy(end);
        resolve();
      },
    });
  }

  /** Waits for the first event of a response: `sse:ready`, from which on the client is in its rooms. */
  async #begun(timeoutMs: number): Promise<void> {
    const count = this.events.length;
    const hasBegun = (): boolean => this.events.length > count || !this.isOpen;
    if (await this.#received.waitUntil(hasBegun, timeoutMs)) return;
    await this.close();
    throw new TestStreamError(
      `${this.#name} has sent no event within ${timeoutMs} ms. A stream without rooms, and one with readyEvent: false, has no sse:ready: open it with { ready: false }.`,
    );
  }

  #take(
    awaited: string,
    matches: (event: TestEvent) => boolean,
    { timeoutMs = this.#opening.timeoutMs }: TestWaitOptions,
  ): Promise<TestEvent[]> {
    return this.#received.takeUntil(awaited, matches, timeoutMs);
  }

  get #open(): TestConnection {
    if (this.#connection === undefined) throw new TestStreamError('The stream has never been open.');
    return this.#connection;
  }

  get #name(): string {
    return `${this.#opening.method} ${this.#opening.url}`;
  }
}
