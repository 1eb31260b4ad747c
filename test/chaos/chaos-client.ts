import type { DispatchedEvent } from '../oracle/event-source-reader.js';
import type { ReceivedItem } from '../oracle/judge.js';
import { TestClient } from '../oracle/test-client.js';
import type { TrafficClient } from '../oracle/traffic-client.js';
import { positionOf, positionsOf } from '../support/wire-ids.js';
import { pause } from '../support/within.js';

export interface ChaosClientOptions {
  readonly rooms: readonly string[];
  readonly random: () => number;
  /** The user whose stream it is. */
  readonly user?: string | undefined;
  /** Returns the URL of any node. */
  readonly anyUrl: () => string;
}

/** A client whose stream ends at random bytes and that resumes on any node with its last event id. */
export class ChaosClient extends TestClient implements TrafficClient {
  readonly rooms: readonly string[];
  readonly user: string | undefined;
  readonly received: ReceivedItem[] = [];
  readonly isComplete = true;
  start: ReadonlyMap<number, number> | undefined;
  resumes = 0;
  isLive = false;
  isHeld = false;
  readonly #options: ChaosClientOptions;
  /** Increased by each `attach` and `detach`, so that an earlier attachment ends. */
  #attachment = 0;

  constructor(options: ChaosClientOptions) {
    super(options.random() < 0.75);
    this.#options = options;
    this.user = options.user;
    this.rooms = [...options.rooms, '*'];
  }

  attach(): void {
    void this.#stayAttached(++this.#attachment);
  }

  detach(): void {
    this.#attachment++;
    this.isLive = false;
    this.request?.destroy();
  }

  protected override get isSteady(): boolean {
    return this.isHeld;
  }

  protected override bytesUntilCut(): number {
    const { random } = this.#options;
    // Some connections are cut early, during the attach.
    return random() < 0.3 ? 1 + Math.floor(1_500 * random()) : Infinity;
  }

  protected override onPart(): void {
    if (this.lastEventId !== '') this.start ??= positionsOf(this.lastEventId);
  }

  protected override receive({ type, data, id }: DispatchedEvent): void {
    if (type === 'sse:ready') {
      if (this.start !== undefined) this.resumes++;
      this.isLive = true;
    } else if (type === 'sse:gap') {
      const { rooms } = JSON.parse(data) as { rooms: string[] };
      // Positions are microseconds since 1970: a gap covers every event published until now.
      const nowUs = Date.now() * 1_000;
      this.received.push({ kind: 'gap', rooms, until: () => nowUs });
    } else if (type !== 'sse:join' && type !== 'sse:leave') {
      this.received.push({
        kind: 'event',
        key: data,
        position: id === undefined ? 0 : positionOf(id),
      });
    }
  }

  /** Reconnects at once. */
  protected override onRefusal(): void {}

  async #stayAttached(attachment: number): Promise<void> {
    const { random, anyUrl, rooms, user } = this.#options;
    // Every client is in '*' without a request for it.
    const query = new URLSearchParams({
      rooms: rooms.join(','),
      ...(user === undefined ? {} : { user }),
    }).toString();
    // A frozen node accepts connections and never answers; a slow node needs time.
    for (
      let timeoutMs = 500;
      attachment === this.#attachment;
      timeoutMs = Math.min(20_000, timeoutMs * 1.5)
    ) {
      await this.connect(`${anyUrl()}/events?${query}`, timeoutMs);
      this.isLive = false;
      await pause(random() * 30);
    }
  }
}
