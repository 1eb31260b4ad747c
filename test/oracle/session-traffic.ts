import { randomUUID } from 'node:crypto';
import { get, type ClientRequest } from 'node:http';
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

/** A node as a page and a publisher reach it. A call that rejects with the code `broker-unavailable` is made again. */
export interface TrafficNode {
  readonly url: string;
  join(session: string, room: string): Promise<number>;
  leave(session: string, room: string): Promise<number>;
  /** Publishes a text once, also if the call is made again. */
  publish(room: string, text: string): Promise<unknown>;
  /** Takes a room away from a session for good, by the option `authorizeRoom`. Default: nothing is taken away. */
  revoke?(session: string, room: string): Promise<unknown>;
}

/** A node in this process. @param revoked pairs of a session and a room that `authorizeRoom` refuses */
export function nodeOf({ url, sse }: RunningApp, revoked?: Set<string>): TrafficNode {
  const revoke = (session: string, room: string): Promise<unknown> => {
    revoked?.add(`${session} ${room}`);
    return sse.reauthorize({ room });
  };
  return {
    ...(revoked === undefined ? {} : { revoke }),
    url,
    join: (session, room) => sse.join({ session }, room),
    leave: (session, room) => sse.leave({ session }, room),
    publish: (room, text) => sse.broadcast(room, 'said', text, { idempotencyKey: text }),
  };
}

/** One application on several nodes, whose rooms have one publisher each. */
export class SessionTraffic {
  readonly events: PublishedEvent[] = [];
  readonly #lastOf = new Map<string, Promise<number>>();
  #newest = 0;
  #clock = 0;
  #isOver = false;

  constructor(
    readonly anyNode: () => TrafficNode,
    readonly random: () => number,
  ) {}

  /** True if rooms are taken away from pages. */
  get revokes(): boolean {
    return this.anyNode().revoke !== undefined;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  now(): number {
    return ++this.#clock;
  }

  /** Repeats a call at random nodes until it succeeds. */
  async untilDone<T>(call: (node: TrafficNode) => Promise<T>): Promise<T> {
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
      await this.untilDone((node) => node.publish(room, `${room} ${number}`));
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
  /** Rooms that were taken away from the page. It joins none of them again. */
  readonly revoked = new Set<string>();
  readonly #texts = new Set<string>();
  /** Streams that the page does not read any more and has not closed, as a network that fails leaves them. */
  readonly #halfOpen = new Set<ClientRequest>();
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

  /** True if a stream is open that does not belong to the session any more. */
  get sharesSession(): boolean {
    return this.#halfOpen.size > 0;
  }

  has(text: string): boolean {
    return this.#texts.has(text);
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
    for (const request of this.#halfOpen) request.destroy();
  }

  async join(room: string): Promise<void> {
    const joinCalled = this.traffic.now();
    const streams = await this.traffic.untilDone((node) => node.join(this.key, room));
    if (streams === 0) throw new Error('the session is gone');
    const joined = this.traffic.now();
    this.memberships.push({ room, joinCalled, joined, lastAwaited: Infinity, left: Infinity });
  }

  /** Has a room taken away, whether the stream is open or not. */
  async revoke(membership: Membership, lastAwaited: number): Promise<void> {
    membership.lastAwaited = lastAwaited;
    this.revoked.add(membership.room);
    await this.traffic.untilDone(async (node) => node.revoke?.(this.key, membership.room));
    membership.left = this.traffic.now();
  }

  /** @param lastAwaited number of the last event of the room that the page has waited for */
  async leave(membership: Membership, lastAwaited: number): Promise<void> {
    membership.lastAwaited = lastAwaited;
    await this.traffic.untilDone((node) => node.leave(this.key, membership.room));
    membership.left = this.traffic.now();
  }

  #connect(): Promise<void> {
    const { random } = this.traffic;
    this.connections++;
    let bytesLeft = this.isSteady || random() < 0.1 ? Infinity : Math.ceil(40 + 3_000 * random() ** 2);
    const reader = new EventSourceReader(this.#lastEventId, ({ type, data }) => {
      if (type === 'said') {
        this.received.push(data);
        this.#texts.add(data);
      }
      if (type !== 'sse:gap') return;
      const { rooms, reason } = JSON.parse(data) as { rooms: string[]; reason: string };
      for (const room of [...rooms, reason]) this.gaps.add(room);
    });
    const headers = this.#lastEventId === '' ? {} : { 'last-event-id': this.#lastEventId };
    let isHalfOpen = false;
    return new Promise((resolve) => {
      const url = `${this.traffic.anyNode().url}/news?session=${this.key}`;
      const request = get(url, { headers, agent: false }, (response) => {
        response.on('data', (bytes: Buffer) => {
          if (isHalfOpen) return;
          const read = bytes.subarray(0, bytesLeft);
          bytesLeft -= read.length;
          reader.feed(read);
          this.#lastEventId = reader.lastEventId;
          if (reader.lastEventId !== '') this.begun = Math.min(this.begun, this.traffic.now());
          if (bytesLeft > 0) return;
          isHalfOpen = random() < 0.1;
          if (!isHalfOpen) {
            request.destroy();
            return;
          }
          this.#halfOpen.add(request);
          resolve();
        });
        response.on('error', () => {});
      });
      this.#close = () => request.destroy();
      request.on('error', () => {});
      request.on('close', () => {
        this.#halfOpen.delete(request);
        resolve();
      });
    });
  }
}

export interface SessionVerdict {
  readonly deliveries: number;
  readonly lost: readonly string[];
  readonly doubles: readonly string[];
  readonly disorder: readonly string[];
  readonly foreign: readonly string[];
  /** Rooms of gaps, and their reasons. An announced loss is none. */
  readonly gaps: readonly string[];
}

/** The verdicts of all pages together. `shared` has the sessions that two streams had at the end. */
export type PlayVerdict = SessionVerdict & { readonly shared: readonly string[] };

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
  return { deliveries: page.received.length, lost, doubles, disorder, foreign, gaps: [...page.gaps] };
}
