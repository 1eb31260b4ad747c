import { pause } from '../../support/within.js';
import type { DispatchedEvent } from '../../oracle/event-source-reader.js';
import { connectOnce, type Attempt, type Outcome } from './connect-once.js';

/** Longest silence of a stream: nodes send a heartbeat each second. */
const SILENCE_MS = 4_000;

/** Status of a run as a node tells it over HTTP. */
export interface RunAnswer {
  readonly state?: string;
  readonly reason?: string;
  readonly events?: number;
}

export interface RunClientOptions {
  readonly run: string;
  /** `texts` has what was missed merged, `pure` nothing but the events. */
  readonly route: 'events' | 'texts' | 'pure';
  /** URL of any node. */
  readonly node: () => string;
  readonly random: () => number;
  /** Tells whether the start of the run was answered. */
  readonly isStarted: () => boolean;
  /** Asks any node for the status, until one answers. */
  readonly status: () => Promise<RunAnswer>;
  /** Time after which a client without an end counts as one that hangs, in milliseconds. */
  readonly patienceMs: number;
}

/** A client that follows a run to its end: it drops at random bytes, and comes back at any node with its last id. */
export class RunClient {
  /** Texts of the events, those that were merged apart again. */
  readonly received: string[] = [];
  readonly broken: string[] = [];
  end: RunAnswer | undefined;
  /** Times of the first event and of the end. */
  beganAtMs: number | undefined;
  endedAtMs: number | undefined;
  returns = 0;
  readonly #options: RunClientOptions;
  #lastEventId = '';
  #epoch: string | undefined;
  #isOver = false;

  constructor(options: RunClientOptions) {
    this.#options = options;
  }

  /** Requests the start of the run until one node answers with a stream, which is the first one of this client. */
  async start(url: () => string, onStarted: () => void, silenceMs: number = SILENCE_MS): Promise<void> {
    for (const endMs = performance.now() + this.#options.patienceMs; performance.now() < endMs;) {
      const { status } = await this.#connect('', {
        url: url(),
        method: 'POST',
        onHead: (head) => head === 200 && onStarted(),
        silenceMs,
      });
      if (status === 200 || this.#isOver) return;
      if (status !== undefined && status !== 503) this.broken.push(`a start was answered with ${status}`);
      await pause(50 * this.#options.random());
    }
    this.broken.push('was not started');
  }

  /** Follows the run until it has ended, and comes back after that. */
  async follow(): Promise<void> {
    const { route, random, patienceMs } = this.#options;
    const endMs = performance.now() + patienceMs;
    while (!this.#isOver && this.broken.length < 3) {
      if (performance.now() > endMs) {
        this.broken.push(`has no end after ${this.received.length} events`);
        return;
      }
      if (random() < 0.5) await pause(400 * random() ** 2);
      this.returns++;
      const { isStarted } = this.#options;
      const mayBeMissing = !isStarted();
      const { status } = await this.#connect(`/${route}`, { maxMs: endMs - performance.now() });
      if (status === 204 && mayBeMissing) await pause(50);
      else if (status === 204) await this.#answeredWithNothing();
      else if (status !== undefined && status !== 200 && status !== 503)
        this.broken.push(`was answered with ${status}`);
    }
  }

  /** A client that has the end comes back once more, and is told to stop. */
  async comeBack(): Promise<void> {
    if (this.end === undefined || this.#options.route === 'pure') return;
    for (let attempts = 0; attempts < 20; attempts++) {
      const { status } = await this.#connect('/events');
      if (status === 204) return;
      if (status === 200) break;
      await pause(200);
    }
    this.broken.push('was not answered with 204 after the end');
  }

  /** A pure stream tells no end: it is the answer 204 to one that has all events. */
  async #answeredWithNothing(): Promise<void> {
    const { route, status } = this.#options;
    const { state, reason, events } = await status();
    if (route !== 'pure' || state === 'running')
      return void this.broken.push(`was answered with 204 before the end, ${state}`);
    this.#finish({ state, ...(reason !== undefined && { reason }), events: events ?? 0 });
  }

  async #connect(path: string, attempt: Partial<Attempt> = {}): Promise<Outcome> {
    const { node, run, random, patienceMs } = this.#options;
    const outcome = await connectOnce({
      url: `${node()}/runs/${run}${path}`,
      lastEventId: this.#lastEventId,
      // Some connections are cut at their beginning, and some never.
      maxBytes: random() < 0.2 ? Infinity : 1 + Math.floor(random() ** 3 * 40_000),
      onHead: () => {},
      onEvent: (event) => this.#receive(event),
      maxMs: patienceMs,
      silenceMs: SILENCE_MS,
      ...attempt,
    });
    this.#lastEventId = outcome.lastEventId;
    // A pure stream of a run without events has nothing that could tell its end but its status.
    if (this.#options.route === 'pure' && outcome.status === 200 && this.received.length === 0) {
      const answer = await this.#options.status();
      if (answer.state !== 'running' && answer.events === 0) this.#finish(answer);
    }
    return outcome;
  }

  #receive({ type, data, id = '' }: DispatchedEvent): void {
    if (this.#isOver) this.broken.push(`received ${type} after the end`);
    if (type === 'n') for (const text of data.split(';').slice(0, -1)) this.received.push(text);
    if (type === 'n' || type === 'sse:end') this.#checkId(id, type === 'sse:end');
    if (type === 'sse:end') this.#finish(JSON.parse(data) as RunAnswer);
    else if (type !== 'n' && type !== 'sse:ready') this.broken.push(`received ${type} ${data}`);
  }

  /** The id has the number of the events so far, and the same epoch as all others. */
  #checkId(id: string, isEnd: boolean): void {
    const [version, epoch, index, end] = id.split('.');
    this.#epoch ??= epoch;
    this.beganAtMs ??= performance.now();
    const isRight = version === '3' && epoch === this.#epoch && (end === 'end') === isEnd;
    if (!isRight || parseInt(index ?? '', 36) !== this.received.length)
      this.broken.push(`received the id ${id} after ${this.received.length} events`);
  }

  #finish(end: RunAnswer): void {
    this.#isOver = true;
    this.end = end;
    this.endedAtMs = performance.now();
    if (end.events !== this.received.length)
      this.broken.push(`received ${this.received.length} of ${end.events} events`);
  }
}
