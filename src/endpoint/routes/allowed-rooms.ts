import type { ExecutionContext } from '@nestjs/common';
import type { StreamLimits } from '../../limits/stream-limits.js';
import type { RoomNameRules } from '../../protocol/input/room-name.js';
import { after } from '../../protocol/thenable.js';
import type { RedeemedTicket, SseTickets } from '../../tickets/sse-tickets.js';
import type { HttpExchange } from '../http-exchange.js';
import { checkTicketRooms, redeemTicket } from '../sse-ticket.guard.js';
import type { StreamLog } from '../stream-log.js';
import { requestRooms, type RequestRooms } from './request-rooms.js';
import type { SseRoomMetadata } from './room-metadata.js';

/** The request of a stream, and what decides about its rooms. */
export interface RoomsRequest {
  readonly http: HttpExchange;
  readonly request: object & { params?: unknown };
  readonly metadata: SseRoomMetadata;
  readonly context: ExecutionContext;
  readonly log: StreamLog;
  readonly internals: {
    readonly options: RoomNameRules;
    readonly limits: StreamLimits;
    readonly tickets: SseTickets;
  };
}

/**
 * Redeems the ticket of a request, unless a guard has done it, and computes the rooms of the request.
 *
 * @returns a promise only where something is waited for
 * @throws what `redeemTicket`, `requestRooms` and `checkTicketRooms` throw; or the promise rejects
 */
export function allowedRooms(asked: RoomsRequest): RequestRooms | Promise<RequestRooms> {
  const redeemed = redeemTicket(asked.internals.tickets, asked.http, asked.request);
  return after(redeemed, (ticket) => roomsWith(ticket, asked));
}

function roomsWith(
  ticket: RedeemedTicket | undefined,
  { metadata, request, context, internals, log }: RoomsRequest,
): RequestRooms | Promise<RequestRooms> {
  const rooms = requestRooms(metadata, request, context, internals, log);
  const checked = (named: RequestRooms): RequestRooms => {
    checkTicketRooms(ticket, named.run === undefined ? named.rooms : [named.run]);
    return named;
  };
  return after(rooms, checked);
}
