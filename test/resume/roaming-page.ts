import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { pause } from '../support/within.js';
import { SpecReader, type DispatchedEvent } from './spec-reader.js';
import type { Life } from './ledger.js';

/** What a page in a bad network does, drawn from its own random numbers. */
export interface Habits {
  readonly random: () => number;
  /** Stops reading now and then, for up to this long. */
  readonly pausesMs: number;
  /** Stays away for up to this long after a drop. */
  readonly awayMs: number;
  /** The most bytes that it reads before it drops its connection. */
  readonly dropBytes: number;
  /** Chance that a drop is a reload of the page, which forgets the position. */
  readonly reload: number;
  /** Whether it minds blocks that hold an id alone, as browsers do and some libraries do not. */
  readonly idOnly: boolean;
}

const LAST_EVENT = 'the end';

/** A page that loses its connection at random bytes and comes back with its last event id alone. */
export class RoamingPage {
  readonly lives: Life[] = [];
  connections = 0;
  resumes = 0;
  finished = false;
  failure: Error | undefined;
  private settled = false;
  private lastEventId = '';
  private asked: ClientRequest | undefined;
  private response: IncomingMessage | undefined;
  private resuming: NodeJS.Timeout | undefined;

  constructor(
    private readonly url: string,
    private readonly rooms: readonly string[],
    private readonly habits: Habits,
    /** The newest position there is. */
    private readonly newest: () => number,
  ) {
    this.begin();
  }

  /** Resolves when it has heard the end, or was told to stop. */
  async run(): Promise<void> {
    const { random, awayMs, reload } = this.habits;
    while (!this.finished) {
      await this.connect();
      if (this.finished || this.settled) continue;
      if (random() < reload) this.begin();
      // Browsers wait; impatient ones find every race.
      if (random() < 0.6) await pause(awayMs * random() ** 3);
    }
  }

  /** From now on it behaves. */
  settle(): void {
    this.settled = true;
    this.response?.resume();
  }

  stop(): void {
    this.finished = true;
    this.asked?.destroy();
  }

  private get life(): Life {
    return this.lives.at(-1) as Life;
  }

  private begin(): void {
    this.lastEventId = '';
    this.lives.push({ rooms: this.rooms, baseline: undefined, heard: [], complete: false });
  }

  private connect(): Promise<void> {
    this.connections++;
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.lastEventId !== '') {
      this.resumes++;
      headers['last-event-id'] = this.lastEventId;
    }
    return new Promise((resolve) => {
      const asked = request(this.url, { headers, agent: false });
      this.asked = asked;
      asked.once('close', () => {
        clearTimeout(this.resuming);
        resolve();
      });
      asked.on('error', () => {});
      asked.once('response', (response) => {
        this.response = response;
        response.on('error', () => {});
        if (response.statusCode !== 200) this.fail(new Error(`status ${response.statusCode}`));
        else this.read(response, asked);
      });
      asked.end();
    });
  }

  private read(response: IncomingMessage, asked: ClientRequest): void {
    const { random, pausesMs, dropBytes, idOnly } = this.habits;
    // Half of the drops are early, where the attach is.
    let left = 1 + Math.floor((random() < 0.5 ? 2_000 : dropBytes) * random());
    const reader = new SpecReader(this.lastEventId, (event) => this.hear(event), idOnly);
    response.on('data', (bytes: Buffer) => {
      if (asked.destroyed) return;
      const part = this.settled || bytes.length < left ? bytes : bytes.subarray(0, left);
      left -= part.length;
      reader.feed(part);
      this.lastEventId = reader.lastEventId;
      if (this.finished || (left <= 0 && !this.settled)) asked.destroy();
      else if (pausesMs > 0 && !this.settled && random() < 0.02) {
        response.pause();
        this.resuming = setTimeout(() => response.resume(), pausesMs * random());
      }
    });
  }

  private hear({ type, data, id }: DispatchedEvent): void {
    this.life.baseline ??= id === undefined ? undefined : positionsOf(id);
    if (type === 'sse:gap') {
      const { rooms } = JSON.parse(data) as { rooms: string[] };
      this.life.heard.push({ rooms, until: this.newest() });
    }
    if (type === 'n') this.life.heard.push(Number.parseInt(data, 10));
    else if (type === LAST_EVENT) this.finished = this.life.complete = true;
  }

  private fail(error: Error): void {
    this.failure = error;
    this.stop();
  }
}

export { LAST_EVENT };

/** The positions in a wire id, by partition. */
export function positionsOf(id: string): Map<number, number> {
  const [version, ...rest] = id.split('.');
  if (version === '1') return new Map([[0, Number.parseInt(rest[1] as string, 36)]]);
  const parts = (rest[0] as string).split('~');
  return new Map(
    parts.map((part) => [Number.parseInt(part.slice(0, 2), 36), Number.parseInt(part.slice(10), 36)]),
  );
}
