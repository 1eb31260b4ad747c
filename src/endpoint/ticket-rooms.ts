import { UnauthorizedException } from '@nestjs/common';
import { ticketOf } from '../tickets/request-ticket.js';

/**
 * Rooms of `@SseRoom(ticketRooms)`: those that the ticket of the request names. A request without a ticket is answered with 401;
 * a ticket that names no rooms joins none.
 */
export function ticketRooms(request: unknown): readonly string[] {
  const ticket = ticketOf(request);
  if (ticket === undefined) throw new UnauthorizedException('This stream needs a ticket.');
  return ticket.rooms ?? [];
}
