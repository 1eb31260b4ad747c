import { randomUUID } from 'node:crypto';
import {
  Inject,
  Injectable,
  ServiceUnavailableException,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Subscription } from 'rxjs';
import type { SseClient } from '../connection/sse-client.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { ignoreRejection } from '../protocol/thenable.js';
import type { RoomHub } from '../rooms/room-hub.js';
import { SseService } from '../sse.service.js';
import { ADMIN_OPTIONS, type ResolvedAdminOptions } from './admin-options.js';
import { interestOf, Interests, MAX_VIEWERS, parseInterest, parseObject } from './interests.js';
import { NodeActivity } from './node/node-activity.js';
import { SummaryMaker } from './node/node-summary.js';
import { clientReport, roomReport } from './node/reports.js';
import type { Subject, Viewer } from './viewer.js';
import { WatchedClients } from './node/watched-clients.js';

/** Room in which nodes with viewers say what those look at. Every node listens. */
const INTEREST_ROOM = '*sse:admin-ask';
/** Room in which nodes tell what somebody looks at. Only nodes with viewers listen. */
const REPORT_ROOM = '*sse:admin-tell';

/** Interval of summaries, in milliseconds, while somebody looks. */
const SUMMARY_MS = 2_000;
/** Interval in which a node repeats the interest of its viewers. */
const INTEREST_MS = 5_000;
/** Time after which an interest expires: three repetitions may be lost. */
const INTEREST_TTL_MS = 3 * INTEREST_MS + 1_000;
/** Time after which the last summary of a silent node is not shown to new viewers. */
const SUMMARY_TTL_MS = 4 * SUMMARY_MS;
/** Delay of the first answer to a new interest, so that interests of one moment have one answer. */
const ANSWER_MS = 50;

type Kind = 'summary' | 'client' | 'room' | 'sent' | 'bye';

/**
 * The data of the page. A node whose viewers look at something tells all nodes so, and repeats it; each node then publishes a
 * summary every two seconds. Nobody is asked at a refresh, and while nobody looks nothing is published.
 */
@Injectable()
export class AdminFeed implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #node = randomUUID();
  readonly #name: string;
  readonly #hub: RoomHub;
  readonly #activity: NodeActivity;
  readonly #summaries: SummaryMaker;
  readonly #viewers = new Set<Viewer>();
  readonly #interests = new Interests();
  readonly #watched = new WatchedClients((sent) =>
    this.#run(() => this.#publishReport('sent', sent.client, { node: this.#node, ...sent })),
  );
  /** Clients of this node that somebody looks at. */
  readonly #found = new Map<string, SseClient>();
  /** The last summary of each node, for new viewers. */
  readonly #last = new Map<string, { readonly text: string; readonly atMs: number }>();
  #interestFeed: Subscription | undefined;
  #reportFeed: Subscription | undefined;
  #repeat: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;
  #nextMs = Infinity;

  constructor(
    sse: SseService,
    @Inject(ADMIN_OPTIONS) { nodeName }: Pick<ResolvedAdminOptions, 'nodeName'>,
    private readonly http: HttpAdapterHost,
  ) {
    this.#name = nodeName;
    this.#hub = sse.internals.hub;
    this.#activity = new NodeActivity(this.#hub, sse.internals.options.metrics.totals);
    this.#summaries = new SummaryMaker(this.#hub);
  }

  onApplicationBootstrap(): void {
    // A process without HTTP has no streams, and needs no subscription for them.
    if (!this.http.httpAdapter) return;
    this.#interestFeed = this.#hub
      .observeRoom(INTEREST_ROOM)
      .subscribe(({ data }) => this.#run(() => this.#receiveInterest(data)));
  }

  onModuleDestroy(): void {
    clearInterval(this.#repeat);
    clearTimeout(this.#next);
    this.#watched.set(new Set());
    if (this.#interests.expire(performance.now()))
      this.#publishReport('bye', undefined, { node: this.#node });
    this.#interestFeed?.unsubscribe();
    this.#reportFeed?.unsubscribe();
    this.#activity.close();
  }

  /** Adds a stream of the page, whose headers are not sent yet. */
  add(client: SseClient, subject: Subject): void {
    if (this.#viewers.size >= MAX_VIEWERS)
      throw new ServiceUnavailableException('Too many streams of the operator’s page');
    this.#hub.hide(client);
    const viewer: Viewer = { client, subject };
    this.#viewers.add(viewer);
    void client.closed.then(() => this.#remove(viewer));
    this.#reportFeed ??= this.#hub
      .observeRoom(REPORT_ROOM)
      .subscribe(({ event, data }) => this.#run(() => this.#receiveReport(event as Kind, data)));
    this.#repeat ??= setInterval(() => this.#run(() => this.#publishInterest()), INTEREST_MS).unref();
    if (subject.kind === 'overview')
      for (const { text } of this.#recent())
        client.connection.deliver(new SseFrame(encodeEvent({ event: 'summary', data: text })));
    this.#publishInterest();
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) {
      clearInterval(this.#repeat);
      this.#repeat = undefined;
      this.#reportFeed?.unsubscribe();
      this.#reportFeed = undefined;
      this.#last.clear();
    }
    if (!this.#hub.isClosing) this.#publishInterest();
  }

  /** Publishes the subjects of this node's viewers to all nodes. */
  #publishInterest(): void {
    const interest = JSON.stringify(interestOf(this.#node, this.#viewers));
    this.#receiveInterest(interest);
    this.#publish(INTEREST_ROOM, undefined, interest);
  }

  #receiveInterest(text: string): void {
    const interest = parseInterest(text);
    if (interest === undefined) return;
    const isNew = this.#interests.set(interest, performance.now() + INTEREST_TTL_MS);
    this.#watchClients();
    if (isNew) this.#schedule(ANSWER_MS);
  }

  /** Plans the next answer, unless an earlier one is planned. */
  #schedule(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    if (this.#next !== undefined && this.#nextMs <= atMs) return;
    clearTimeout(this.#next);
    this.#nextMs = atMs;
    this.#next = setTimeout(() => this.#run(() => this.#answer()), delayMs).unref();
  }

  /** Publishes the report of each subject that somebody looks at. */
  #answer(): void {
    this.#next = undefined;
    const isAwaited = this.#interests.expire(performance.now());
    this.#watchClients();
    if (!isAwaited) return;
    this.#schedule(SUMMARY_MS);
    if (this.#interests.overview) {
      const summary = this.#summaries.make(this.#node, this.#name, this.#activity.counts);
      this.#publishReport('summary', undefined, summary);
    }
    const from = { node: this.#node, name: this.#name };
    for (const [id, client] of this.#found)
      this.#publishReport('client', id, { ...from, ...clientReport(client, endOf(client)) });
    for (const room of this.#interests.rooms)
      this.#publishReport('room', room, { ...from, ...roomReport(this.#hub, room) });
  }

  /** Runs work outside a request. A fault of it is logged, and neither a stream nor the process ends. */
  #run(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#hub.report(error);
    }
  }

  /** Finds the clients of this node that somebody looks at, and watches those whose events are shown. */
  #watchClients(): void {
    const { clients: wanted, sent } = this.#interests;
    for (const id of this.#found.keys()) if (!wanted.has(id)) this.#found.delete(id);
    if ([...wanted].some((id) => !this.#found.has(id))) {
      for (const client of this.#hub.clients) if (wanted.has(client.id)) this.#found.set(client.id, client);
    }
    const watched = [...this.#found.values()].filter((client) => sent.has(client.id) && !client.isClosed);
    this.#watched.set(new Set(watched));
  }

  /** Shows something to the viewers of all nodes. @param about id of a client, or name of a room */
  #publishReport(kind: Kind, about: string | undefined, value: object): void {
    const text = JSON.stringify({ ...value, about });
    this.#showAll(kind, about, text);
    if (this.#interests.hasOthers(this.#node)) this.#publish(REPORT_ROOM, kind, text);
  }

  #receiveReport(kind: Kind, text: string): void {
    const { about, node } = parseObject(text) ?? {};
    // Its own messages were shown already, also where the broker is away.
    if (typeof node !== 'string' || node === this.#node) return;
    this.#showAll(kind, typeof about === 'string' ? about : undefined, text);
  }

  #showAll(kind: Kind, about: string | undefined, text: string): void {
    if (this.#viewers.size === 0) return;
    if (kind === 'summary') this.#remember(text);
    const frame = new SseFrame(encodeEvent({ event: kind, data: text }));
    for (const { client, subject } of this.#viewers)
      if (isAbout(subject, kind, about)) client.connection.deliver(frame);
  }

  #remember(text: string): void {
    const node = parseObject(text)?.['node'];
    if (typeof node === 'string') this.#last.set(node, { text, atMs: performance.now() });
    this.#recent();
  }

  #recent(): { readonly text: string }[] {
    const oldestMs = performance.now() - SUMMARY_TTL_MS;
    for (const [node, { atMs }] of this.#last) if (atMs < oldestMs) this.#last.delete(node);
    return [...this.#last.values()];
  }

  /** Publishes to the nodes. Nothing waits for it, and a failure is no loss: the next message replaces this one. */
  #publish(room: string, kind: Kind | undefined, text: string): void {
    if (this.#hub.observables.brokerState.value !== 'live') return;
    const event = { rooms: [room], parts: [kind, text, { volatile: true }] };
    ignoreRejection(this.#hub.beforeClose(this.#hub.events.publish(event)));
  }
}

function endOf(client: SseClient): string | undefined {
  return client.isClosed ? String(client.signal.reason) : undefined;
}

function isAbout(subject: Subject, kind: Kind, about: string | undefined): boolean {
  if (kind === 'summary' || kind === 'bye') return subject.kind === 'overview';
  if (subject.kind === 'room') return kind === 'room' && subject.name === about;
  return (
    subject.kind === 'client' &&
    subject.id === about &&
    (kind === 'client' || (kind === 'sent' && subject.sent))
  );
}
