import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import { controlChannelOf, type ControlChannel } from '../broker/control-channel.interface.js';
import type {
  SessionChange,
  SessionOutcome,
  SessionOwner,
  SessionStore,
} from '../broker/session-store.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { ignoreRejection } from '../protocol/thenable.js';
import { sessionStoreOf, type ResolvedSessions } from './session-checks.js';
import type { SessionNode } from './session-node.interface.js';
import { SessionQueue } from './session-queue.js';
import { StreamSession } from './stream-session.js';
import { encodeTaken, parseTaken } from './taken-sessions.js';

/** Shortest time between two calls that claim sessions, in milliseconds: many streams that come back at once share calls. */
const CLAIM_INTERVAL_MS = 50;
/** The same while so many come back that they fill calls of 100. */
const MAX_CLAIM_INTERVAL_MS = 400;

/** Time for which notices to the former nodes of sessions are collected, in milliseconds. */
const NOTICE_INTERVAL_MS = 250;

export interface StreamSessionsHost {
  readonly allowed: SessionNode['allowed'];
  /** Makes the end of the application wait for a call to the broker. */
  readonly beforeClose: <T>(call: Promise<T>) => Promise<T>;
}

/** The sessions of the streams of this node. */
export class StreamSessions implements SessionNode {
  readonly ttlMs: number;
  readonly renewedTtlMs: number;
  readonly maxRooms: number;
  readonly nodeId: string;
  readonly store: SessionStore;
  readonly #host: StreamSessionsHost;
  readonly #channel: ControlChannel | undefined;
  readonly #claims: SessionQueue;
  readonly #changes: SessionQueue;
  readonly #byClient = new Map<string, StreamSession>();
  /** By node, the clients whose sessions were taken by streams of this node. */
  readonly #notices = new Map<string, string[]>();
  readonly #renewMs: number;
  #renewal: NodeJS.Timeout | undefined;

  constructor(broker: PartitionedBroker, { ttlMs, maxRooms }: ResolvedSessions, host: StreamSessionsHost) {
    this.store = sessionStoreOf(broker) as SessionStore;
    this.#host = host;
    this.#channel = broker.partitions.map(controlChannelOf).find((channel) => channel !== undefined);
    // Without a channel other nodes find out with their next renewal.
    this.nodeId = this.#channel?.nodeId ?? 'unknown';
    this.ttlMs = ttlMs;
    this.maxRooms = maxRooms;
    this.#renewMs = Math.ceil(ttlMs / 3);
    this.renewedTtlMs = ttlMs + 2 * this.#renewMs;
    this.#claims = new SessionQueue(this.store, CLAIM_INTERVAL_MS, MAX_CLAIM_INTERVAL_MS);
    this.#changes = new SessionQueue(this.store, 0);
  }

  /** Gives a client, whose stream is not open yet, the session of a key. */
  attach(client: SseClient, key: string): void {
    if (client.isClosed) return;
    const session = new StreamSession(client, key, this);
    client.session = session;
    this.#byClient.set(client.id, session);
    this.#renewal ??= setInterval(() => this.renew(), this.#renewMs).unref();
  }

  claim(change: SessionChange): Promise<SessionOutcome> {
    return this.#claims.add(change);
  }

  change(change: SessionChange): Promise<SessionOutcome> {
    return this.#host.beforeClose(this.#changes.add(change));
  }

  allowed(client: SseClient, rooms: readonly string[]): Promise<readonly string[]> {
    return this.#host.allowed(client, rooms);
  }

  endPrevious({ client, node }: SessionOwner): void {
    const own = this.#byClient.get(client);
    if (own !== undefined) return own.end();
    if (node === this.nodeId || this.#channel === undefined) return;
    const clients = this.#notices.get(node);
    if (clients !== undefined) return void clients.push(client);
    this.#notices.set(node, [client]);
    setTimeout(() => this.#notify(node), NOTICE_INTERVAL_MS).unref();
  }

  forget(clientId: string): void {
    this.#byClient.delete(clientId);
    if (this.#byClient.size > 0) return;
    clearInterval(this.#renewal);
    this.#renewal = undefined;
  }

  /**
   * Takes a control message of another node.
   *
   * @returns `false` for a text that is no notice of sessions
   */
  receive(text: string): boolean {
    const clients = parseTaken(text);
    for (const client of clients ?? []) this.#byClient.get(client)?.end();
    return clients !== undefined;
  }

  /** A lost notice is made up for: the stream that lost its session finds out with its next renewal. */
  #notify(node: string): void {
    const clients = this.#notices.get(node) ?? [];
    this.#notices.delete(node);
    if (this.#channel !== undefined)
      ignoreRejection(this.#channel.publishControl(encodeTaken(clients), node));
  }

  /** @param mayBeLost as in `StreamSession.renew` */
  renew(mayBeLost = false): void {
    for (const session of this.#byClient.values()) void session.renew(mayBeLost);
  }
}
