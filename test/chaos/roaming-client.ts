import { request, type ClientRequest } from 'node:http';
import type { Told } from '../redis/follower.js';
import type { Listener } from '../redis/traffic.js';
import { SpecReader, type DispatchedEvent } from '../resume/spec-reader.js';
import { pause } from '../support/within.js';
import { positionOf } from './position-of.js';

export interface RoamingClientParts {
  readonly rooms: readonly string[];
  readonly random: () => number;
  readonly anyUrl: () => string;
  readonly roomsOf: (text: string) => readonly string[];
}

/** A page in a bad network: its stream ends at random bytes, and it comes back to any node with its last id alone. */
export class RoamingClient implements Listener {
  readonly rooms: readonly string[];
  readonly told: Told[] = [];
  start: number | undefined;
  resumes = 0;
  isLive = false;
  isHeld = false;
  readonly #parts: RoamingClientParts;
  /** Whether it minds blocks that hold an id alone, as browsers do and some libraries do not. */
  readonly #idOnly: boolean;
  #lastEventId = '';
  #visit = 0;
  #asked: ClientRequest | undefined;

  constructor(parts: RoamingClientParts) {
    this.#parts = parts;
    this.rooms = [...parts.rooms, '*'];
    this.#idOnly = parts.random() < 0.75;
  }

  attach(): void {
    void this.#stay(++this.#visit);
  }

  leave(): void {
    this.#visit++;
    this.isLive = false;
    this.#asked?.destroy();
  }

  async #stay(visit: number): Promise<void> {
    const { random } = this.#parts;
    // A frozen node accepts connections and says nothing; a slow one needs time.
    for (let patienceMs = 500; visit === this.#visit; patienceMs = Math.min(20_000, patienceMs * 1.5)) {
      await this.#connect(patienceMs);
      this.isLive = false;
      await pause(random() * 30);
    }
  }

  /** Resolves when the connection has ended, one way or the other. */
  #connect(patienceMs: number): Promise<void> {
    // Everybody is in '*' without asking.
    const { rooms, anyUrl } = this.#parts;
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.#lastEventId !== '') headers['last-event-id'] = this.#lastEventId;
    return new Promise((resolve) => {
      const query = new URLSearchParams({ rooms: rooms.join(',') });
      const asked = request(`${anyUrl()}/events?${query.toString()}`, { headers, agent: false });
      this.#asked = asked;
      const impatience = setTimeout(() => asked.destroy(), patienceMs);
      asked.once('close', () => {
        clearTimeout(impatience);
        resolve();
      });
      asked.on('error', () => {});
      asked.once('response', (response) => {
        clearTimeout(impatience);
        response.on('error', () => {});
        if (response.statusCode === 200) this.#read(asked, response);
        else asked.destroy();
      });
      asked.end();
    });
  }

  #read(asked: ClientRequest, response: NodeJS.ReadableStream): void {
    const { random } = this.#parts;
    // Some are cut early, where the attach is.
    let left = random() < 0.3 ? 1 + Math.floor(1_500 * random()) : Infinity;
    const reader = new SpecReader(this.#lastEventId, (event) => this.#hear(event), this.#idOnly);
    response.on('data', (bytes: Buffer) => {
      if (asked.destroyed) return;
      if (this.isHeld) left = Infinity;
      const part = bytes.length < left ? bytes : bytes.subarray(0, left);
      left -= part.length;
      reader.feed(part);
      this.#lastEventId = reader.lastEventId;
      this.start ??= this.#lastEventId === '' ? undefined : positionOf(this.#lastEventId);
      if (left <= 0) asked.destroy();
    });
  }

  #hear({ type, data, id }: DispatchedEvent): void {
    if (type === 'sse:ready') {
      if (this.start !== undefined) this.resumes++;
      this.isLive = true;
    } else if (type === 'sse:gap') {
      const { rooms } = JSON.parse(data) as { rooms: string[] };
      const own = rooms.filter((room) => this.rooms.includes(room));
      this.told.push({ kind: 'gap', rooms: own, atUs: Date.now() * 1_000 });
    } else {
      const position = id === undefined ? 0 : positionOf(id);
      this.told.push({ kind: 'event', text: data, rooms: this.#parts.roomsOf(data), position });
    }
  }
}
