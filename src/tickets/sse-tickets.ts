import { timingSafeEqual } from 'node:crypto';
import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import type { TicketStore } from '../broker/ticket-store.interface.js';
import type { RoomNameRules } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { idOf, isSecret, newSecret, seal, unseal, type Purpose } from './sealed-text.js';
import { checkIssue } from './ticket-checks.js';
import { continuationCookies, continuationIn } from './ticket-cookies.js';
import type { IssueOptions, SseTicket, SseTicketOptions } from './ticket-options.interface.js';
import { ticketOfRecord, type ContinuationRecord, type TicketRecord } from './ticket-record.js';

/** The option `tickets` with its values. */
export type ResolvedTicketOptions = Required<Omit<SseTicketOptions, 'authorize' | 'cookiePath'>> & {
  readonly authorize: ((ticket: SseTicket, request: unknown) => unknown) | undefined;
  readonly cookiePath: string | undefined;
};

/** A request that carries a ticket. */
export interface PresentedTicket {
  /** Value of the query parameter; `undefined` where it is there more than once. */
  readonly text: string | undefined;
  readonly path: string;
  readonly cookies: string | undefined;
  /** The request as the application receives it. */
  readonly request: unknown;
}

/** A ticket that a request has redeemed. */
export interface RedeemedTicket {
  readonly ticket: SseTicket;
  readonly record: TicketRecord;
  /** Values of `Set-Cookie` for the answer. */
  readonly cookies: readonly string[];
}

const DEFAULT_TTL_MS = 30_000;

/** One-time tickets, for clients that can send no header: `sse.tickets`. */
export class SseTickets {
  readonly #broker: PartitionedBroker;
  readonly #options: ResolvedTicketOptions | false;
  readonly #rules: RoomNameRules;
  #isUsed: boolean;
  /** True if the application has set the option `tickets`. @internal */
  readonly isConfigured: boolean;

  /**
   * @param isRequired `true` where the application has set the option
   * @throws SseError `unsupported-by-broker` where the option is set and the broker stores no tickets
   */
  constructor(
    broker: PartitionedBroker,
    options: ResolvedTicketOptions | false,
    rules: RoomNameRules,
    isRequired: boolean,
  ) {
    this.#broker = broker;
    this.#options = options;
    this.#rules = rules;
    this.isConfigured = this.#isUsed = isRequired && options !== false;
    if (this.#isUsed && broker.partitions.some(({ tickets }) => tickets === undefined)) throw unsupported();
  }

  /** True once this node may have clients whose user is that of a ticket. @internal */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Name of the query parameter; `undefined` where tickets are switched off. @internal */
  get parameter(): string | undefined {
    return this.#options === false ? undefined : this.#options.parameter;
  }

  /**
   * Issues a ticket for one stream, which the page passes as `?ticket=`. Call it behind your own authentication, by POST.
   *
   * ```ts
   * const ticket = await sse.tickets.issue({ user: user.id, rooms: [`orders/${id}`] });
   * ```
   *
   * @returns settles with the ticket, 43 characters of base64url, once every node accepts it
   * @throws SseError `invalid-arguments`, `invalid-user`, `invalid-room`, `unsupported-by-broker`, `broker-closed`,
   * `broker-unavailable`: the promise rejects
   */
  async issue(options: IssueOptions): Promise<string> {
    if (this.#options === false) {
      throw new SseError(
        'invalid-arguments',
        'Tickets are switched off by the option "tickets" of SseModule.',
      );
    }
    const record = checkIssue(options, this.#rules);
    const secret = newSecret();
    await this.#put('ticket', secret, record, options.ttlMs ?? DEFAULT_TTL_MS);
    this.#isUsed = true;
    return secret;
  }

  /**
   * Redeems the ticket of a request, or continues one that its client has redeemed before.
   *
   * @returns `'invalid'` for a ticket that is unknown, used or expired; `'denied'` by the application
   * @throws SseError `broker-closed`, `broker-unavailable`; and what `authorize` throws
   * @internal
   */
  async redeem(presented: PresentedTicket): Promise<RedeemedTicket | 'invalid' | 'denied'> {
    const options = this.#options;
    const { text, request } = presented;
    if (options === false || !isSecret(text)) return 'invalid';
    const ticketId = idOf('ticket', text);
    const continued = await this.#continued(presented, ticketId);
    const record = continued ?? (await this.#take(text, ticketId));
    if (record === undefined || (record.expiresAtMs ?? Infinity) <= Date.now()) return 'invalid';
    const ticket = ticketOfRecord(record);
    if (options.authorize !== undefined && (await options.authorize(ticket, request)) !== true)
      return 'denied';
    this.#isUsed = true;
    const cookies =
      continued === undefined ? await this.#continuation(presented, ticketId, record, options) : [];
    return { ticket, record, cookies };
  }

  async #take(secret: string, id: string): Promise<TicketRecord | undefined> {
    return opened('ticket', secret, await this.#storeOf(id)?.take(id)) as TicketRecord | undefined;
  }

  /** The record of a used ticket whose client has the cookie of its first answer. */
  async #continued({ cookies, path }: PresentedTicket, ticketId: string): Promise<TicketRecord | undefined> {
    const secret = continuationIn(cookies, ticketId);
    if (secret === undefined) return undefined;
    const id = idOf('continuation', secret);
    const sealed = await this.#storeOf(id)?.read(id);
    const found = opened('continuation', secret, sealed) as ContinuationRecord | undefined;
    if (found === undefined || found.path !== path) return undefined;
    return isEqual(found.ticketId, ticketId) ? found.record : undefined;
  }

  /** Stores the right to reconnect. @returns the cookies that carry it */
  async #continuation(
    { path, cookies }: PresentedTicket,
    ticketId: string,
    record: TicketRecord,
    { continueForMs, sameSite, cookiePath = path }: ResolvedTicketOptions,
  ): Promise<string[]> {
    if (continueForMs === false) return [];
    const lifetimeMs = Math.min(continueForMs, Math.floor((record.expiresAtMs ?? Infinity) - Date.now()));
    if (lifetimeMs < 1) return [];
    const secret = newSecret();
    const values = continuationCookies(cookies, ticketId, secret, lifetimeMs, { path: cookiePath, sameSite });
    if (values.length > 0) await this.#put('continuation', secret, { ticketId, path, record }, lifetimeMs);
    return values;
  }

  async #put(
    purpose: Purpose,
    secret: string,
    record: TicketRecord | ContinuationRecord,
    ttlMs: number,
  ): Promise<void> {
    const id = idOf(purpose, secret);
    const store = this.#storeOf(id);
    if (store === undefined) throw unsupported();
    await store.put(id, seal(purpose, secret, JSON.stringify(record)), ttlMs);
  }

  /** Partitions share the tickets as they share rooms. */
  #storeOf(id: string): TicketStore | undefined {
    return this.#broker.partitions[this.#broker.partitionOf(id)]?.tickets;
  }
}

function unsupported(): SseError {
  return new SseError(
    'unsupported-by-broker',
    'The broker stores no tickets. Give it `tickets`, or do without the option "tickets" of SseModule and without tickets.issue.',
  );
}

function opened(purpose: Purpose, secret: string, sealed: string | undefined): unknown {
  const text = sealed === undefined ? undefined : unseal(purpose, secret, sealed);
  // Only this package seals, and nobody else can without the secret.
  return text === undefined ? undefined : JSON.parse(text);
}

/** Compares two ids, of one length, in constant time. */
function isEqual(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
