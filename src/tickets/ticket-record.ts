import type { JsonValue } from '../protocol/json-value.js';
import type { ClientIdentity } from '../protocol/input/user-name.js';
import type { SseTicket } from './ticket-options.interface.js';

/** A ticket as it is stored. */
export interface TicketRecord extends ClientIdentity {
  readonly rooms: readonly string[] | undefined;
}

/** The right to reconnect with a used ticket, as it is stored. */
export interface ContinuationRecord {
  /** Id of the used ticket. */
  readonly ticketId: string;
  /** Path of the request that has used it. */
  readonly path: string;
  readonly record: TicketRecord;
}

/** The part of a record that applications see. */
export function ticketOfRecord({ user, rooms, info, expiresAtMs }: TicketRecord): SseTicket {
  return Object.freeze({
    user,
    rooms: rooms && Object.freeze([...rooms]),
    info: info === undefined ? undefined : (JSON.parse(info) as JsonValue),
    expiresAt: expiresAtMs === undefined ? undefined : new Date(expiresAtMs),
  });
}
