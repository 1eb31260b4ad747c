import { randomUUID } from 'node:crypto';
import { get } from 'node:http';
import type { RunningApp } from '../support/running-app.js';
import { pause } from '../support/within.js';
import { EventSourceReader } from './event-source-reader.js';

/** An event, with the moments at which its publish was begun and accepted. */
export interface PublishedEvent {
  readonly room: string;
  readonly number: number;
  readonly begun: number;
  readonly done: number;
}

/**
 * The time of a page in a room. Between the calls it may receive events. It must receive those that are published after the
 * answer to the join, up to the last event that it waited for before it left: a stream that is cut does not receive the
 * later ones once its session has left the room.
 */
export interface Membership {
  readonly room: string;
  readonly joinCalled: number;
  readonly joined: number;
  /** Number of the last event that the page waited for before it left; `Infinity` while it is in the room. */
  lastAwaited: number;
  left: number;
}

/** One application on several nodes, whose rooms have one publisher each. */
export class SessionTraffic {
  readonly events: PublishedEvent[] = [];
  readonly #lastOf = new Map<string, Promise<number>>();
  #newest = 0;
  #clock = 0;
  #isOver = false;

  constructor(
    readonly nodes: readonly RunningApp[],
    readonly random: () => number,
  ) {}

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  now(): number {
    return ++this.#clock;
  }

  anyNode(): RunningApp {
    return this.nodes[Math.floor(this.random() * this.nodes.length)] as RunningApp;
  }

  /** Repeats a call at random nodes until it succeeds. */
  async untilDone<T>(call: (node: RunningApp) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call(this.anyNode());
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'broker-unavailable') throw error;
        await pause(20);
      }
    }
  }

  /** Publishes to a room after everything before it: its order is that of the numbers. */
  publish(room: string): Promise<number> {
    const published = (this.#lastOf.get(room) ?? Promise.resolve(0)).then(async () => {
      const number = ++this.#newest;
      const begun = this.now();
      const idempotencyKey = randomUUID();
      await this.untilDone(({ sse }) => sse.broadcast(room, 'said', `${room} ${number}`, { idempotencyKey }));
      this.events.push({ room, number, begun, done: this.now() });
      return number;
    });
    this.#lastOf.set(room, published);
    return published;
  }
}

/** A page with a session, whose stream is cut at random bytes, and which joins and leaves rooms through random nodes. */
export class WanderingPage {
  readonly key = randomUUID();
  readonly memberships: Membership[] = [];
  readonly received: string[] = [];
  readonly gaps = new Set<string>();
  connections = 0;
  /** Time at which the page first had an id: a page that is cut before begins with the room of its request again. */
  begun = Infinity;
  isSteady = false;
  #lastEventId = '';
  #close: (() => void) | undefined;

  constructor(readonly traffic: SessionTraffic) {}

  get currentRooms(): Membership[] {
    return this.memberships.filter(({ left }) => left === Infinity);
  }

  /** Keeps a stream open until the traffic is over. */
  async listen(): Promise<void> {
    while (!this.traffic.isOver) {
      await this.#connect();
      if (!this.isSteady) await pause(30 * this.traffic.random() ** 2);
    }
  }

  close(): void {
    this.#close?.();
  }

  async join(room: string): Promise<void> {
    const joinCalled = this.traffic.now();
    const { key: session } = this;
    const streams = await this.traffic.untilDone(({ sse }) => sse.join({ session }, room));
    if (streams === 0) throw new Error('the session is gone');
    const joined = this.traffic.now();
    this.memberships.push({ room, joinCalled, joined, lastAwaited: Infinity, left: Infinity });
  }

  /** @param lastAwaited number of the last event of the room that the page has waited for */
  async leave(membership: Membership, lastAwaited: number): Promise<void> {
    membership.lastAwaited = lastAwaited;
    const { key: session } = this;
    await this.traffic.untilDone(({ sse }) => sse.leave({ session }, membership.room));
    membership.left = this.traffic.now();
  }

  #connect(): Promise<void> {
    const { random } = this.traffic;
    this.connections++;
    let bytesLeft = this.isSteady || random() < 0.1 ? Infinity : Math.ceil(40 + 3_000 * random() ** 2);
    const reader = new EventSourceReader(this.#lastEventId, ({ type, data }) => {
      if (type === 'said') this.received.push(data);
      if (type !== 'sse:gap') return;
      const { rooms, reason } = JSON.parse(data) as { rooms: string[]; reason: string };
      for (const room of [...rooms, reason]) this.gaps.add(room);
    });
    const headers = this.#lastEventId === '' ? {} : { 'last-event-id': this.#lastEventId };
    return new Promise((resolve) => {
      const url = `${this.traffic.anyNode().url}/news?session=${this.key}`;
      const request = get(url, { headers, agent: false }, (response) => {
        response.on('data', (bytes: Buffer) => {
          const read = bytes.subarray(0, bytesLeft);
          bytesLeft -= read.length;
          reader.feed(read);
          this.#lastEventId = reader.lastEventId;
          if (reader.lastEventId !== '') this.begun = Math.min(this.begun, this.traffic.now());
          if (bytesLeft <= 0) request.destroy();
        });
        response.on('error', () => {});
      });
      this.#close = () => request.destroy();
      request.on('error', () => {});
      request.on('close', () => resolve());
    });
  }
}

export interface SessionVerdict {
  readonly deliveries: number;
  readonly lost: readonly string[];
  readonly doubles: readonly string[];
  readonly disorder: readonly string[];
  readonly foreign: readonly string[];
}

/** Compares what a page received with what was published while it was in the rooms. */
export function judgeSession(
  page: Pick<WanderingPage, 'begun' | 'memberships' | 'received' | 'gaps'>,
  events: readonly PublishedEvent[],
): SessionVerdict {
  const counts = new Map<string, number>();
  const newest = new Map<string, number>();
  const disorder: string[] = [];
  for (const text of page.received) {
    counts.set(text, (counts.get(text) ?? 0) + 1);
    const [room = '', number = ''] = text.split(' ');
    if (Number(number) < (newest.get(room) ?? -1)) disorder.push(text);
    newest.set(room, Number(number));
  }
  const lost: string[] = [];
  const foreign: string[] = [];
  for (const { room, number, begun, done } of events) {
    const text = `${room} ${number}`;
    const times = page.memberships.filter((each) => each.room === room);
    const must =
      room === 'news'
        ? page.begun < begun
        : times.some((each) => each.joined < begun && number <= each.lastAwaited);
    const may = room === 'news' || times.some((each) => each.joinCalled < done && begun < each.left);
    const isReceived = counts.has(text);
    const isTold = page.gaps.has(room) || page.gaps.has('session');
    if (must && !isReceived && !isTold) lost.push(text);
    if (isReceived && !may) foreign.push(text);
  }
  const doubles = [...counts].filter(([, count]) => count > 1).map(([text]) => text);
  return { deliveries: page.received.length, lost, doubles, disorder, foreign };
}
