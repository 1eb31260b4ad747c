import type { IncomingMessage } from 'node:http';
import { pause } from '../support/within.js';
import { positionsOf } from '../support/wire-ids.js';
import type { DispatchedEvent } from './event-source-reader.js';
import type { ClientRecord, ReceivedItem } from './judge.js';
import { TestClient } from './test-client.js';

/** The behaviour of a client in a bad network, drawn from its own random numbers. */
export interface ClientBehavior {
  readonly random: () => number;
  /** The longest pause in reading; 0 for none. */
  readonly readPauseMs: number;
  /** The longest time between a cut and the next connection. */
  readonly awayMs: number;
  /** The most bytes read before a connection is cut. */
  readonly cutBytes: number;
  /** The probability that a cut is a reload of the page, which forgets the position. */
  readonly reload: number;
  /** Reads blocks that hold only an id, as browsers do and some libraries do not. */
  readonly readsIdOnly: boolean;
}

/** The name of the event after which clients stop. */
export const LAST_EVENT = 'the end';

interface OpenRecord extends ClientRecord {
  start: ReadonlyMap<number, number> | undefined;
  readonly received: ReceivedItem[];
  isComplete: boolean;
}

/** A client of one URL that loses its connection at random bytes, and now and then reloads. */
export class HttpClient extends TestClient {
  /** One record for each time the page was loaded. */
  readonly records: OpenRecord[] = [];
  connections = 0;
  resumes = 0;
  failure: Error | undefined;
  protected isSteady = false;
  private isFinished = false;
  private resumeTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly url: string,
    private readonly rooms: readonly string[],
    private readonly behavior: ClientBehavior,
    /** The position of the newest published event in each partition. */
    private readonly newest: ReadonlyMap<number, number>,
  ) {
    super(behavior.readsIdOnly);
    this.load();
  }

  /** Resolves when the client has received the last event or was stopped. */
  async run(): Promise<void> {
    const { random, awayMs, reload } = this.behavior;
    while (!this.isFinished) {
      this.connections++;
      if (this.lastEventId !== '') this.resumes++;
      await this.connect(this.url);
      clearTimeout(this.resumeTimer);
      if (this.isFinished || this.isSteady) continue;
      if (random() < reload) this.load();
      // Browsers wait before they reconnect; a client that does not finds every race.
      if (random() < 0.6) await pause(awayMs * random() ** 3);
    }
  }

  /** Stops cutting connections and pausing. */
  settle(): void {
    this.isSteady = true;
    this.response?.resume();
  }

  stop(): void {
    this.isFinished = true;
    this.request?.destroy();
  }

  protected override bytesUntilCut(): number {
    const { random, cutBytes } = this.behavior;
    // Half of the cuts are early, during the attach.
    return 1 + Math.floor((random() < 0.5 ? 2_000 : cutBytes) * random());
  }

  protected override onPart(response: IncomingMessage): void {
    const { random, readPauseMs } = this.behavior;
    if (this.isFinished) this.request?.destroy();
    else if (readPauseMs > 0 && !this.isSteady && random() < 0.02) {
      response.pause();
      this.resumeTimer = setTimeout(() => response.resume(), readPauseMs * random());
    }
  }

  protected override receive({ type, data, id }: DispatchedEvent): void {
    const { record } = this;
    record.start ??= id === undefined ? undefined : positionsOf(id);
    if (type === 'sse:gap') {
      const { rooms } = JSON.parse(data) as { rooms: string[] };
      const until = new Map(this.newest);
      record.received.push({ kind: 'gap', rooms, until: (partition) => until.get(partition) ?? 0 });
    } else if (type === 'n') {
      record.received.push({ kind: 'event', key: String(Number.parseInt(data, 10)) });
    } else if (type === LAST_EVENT) this.isFinished = record.isComplete = true;
  }

  protected override onRefusal(status: number | undefined): void {
    this.failure = new Error(`status ${status}`);
    this.stop();
  }

  private get record(): OpenRecord {
    return this.records.at(-1) as OpenRecord;
  }

  private load(): void {
    this.lastEventId = '';
    this.records.push({ rooms: this.rooms, start: undefined, received: [], isComplete: false });
  }
}
