import {
  ForbiddenException,
  Injectable,
  Optional,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { SseError } from '../protocol/sse-error.js';
import { redeemedOf, setRequestTicket, ticketOf } from '../tickets/request-ticket.js';
import { isSecret } from '../tickets/sealed-text.js';
import { SseTickets, type RedeemedTicket } from '../tickets/sse-tickets.js';
import { HttpExchange } from './http-exchange.js';
import { SseRetryLaterException } from './limits/retry-later.exception.js';

export const TICKET_ROOMS_MESSAGE = 'The ticket does not allow a room of this stream.';

/**
 * Admits requests with a ticket of `sse.tickets` in their URL, and no others: an unknown, used or expired ticket, and none, are
 * answered with 401. Guards after it read the ticket with `ticketOf(request)`.
 *
 * ```ts
 * @Get('events')
 * @UseGuards(SseTicketGuard)
 * @SseRoom(ticketRooms)
 * events(): void {}
 * ```
 */
@Injectable()
export class SseTicketGuard implements CanActivate {
  constructor(@Optional() private readonly tickets?: SseTickets) {
    if (tickets !== undefined) return;
    throw new SseError(
      'module-not-imported',
      'SseTicketGuard is used, but SseModule is not there. Import SseModule.forRoot().',
    );
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return false;
    const http = context.switchToHttp();
    const request = http.getRequest<object>();
    const exchange = new HttpExchange(request, http.getResponse());
    const redeemed = this.tickets && (await redeemTicket(this.tickets, exchange, request));
    if (redeemed === undefined) throw new UnauthorizedException('This stream needs a ticket.');
    return true;
  }
}

/**
 * Redeems the ticket in the URL of a request, once for each request, and sets its cookie on the answer. `HEAD` leaves the
 * ticket as it is.
 *
 * @returns a promise only where the broker is asked; `undefined` for a request without a ticket; without the option `tickets` also for a text that has not its form
 * @throws UnauthorizedException, ForbiddenException, SseRetryLaterException where the broker does not answer; and what `authorize` throws
 */
export function redeemTicket(
  tickets: SseTickets,
  http: HttpExchange,
  request: object,
): Promise<RedeemedTicket> | RedeemedTicket | undefined {
  const known = redeemedOf(request);
  const { parameter } = tickets;
  if (known !== undefined || parameter === undefined || http.request.method === 'HEAD') return known;
  const texts = http.queryValues(parameter);
  // The application may have a parameter of this name with another meaning.
  if (texts.length === 0 || (!tickets.isConfigured && !texts.some(isSecret))) return undefined;
  return redeem(tickets, texts, http, request);
}

async function redeem(
  tickets: SseTickets,
  texts: readonly string[],
  http: HttpExchange,
  request: object,
): Promise<RedeemedTicket> {
  const redeemed = await tickets
    .redeem({
      text: texts.length === 1 ? texts[0] : undefined,
      path: http.clientPath,
      cookies: http.request.headers.cookie,
      request,
    })
    .catch((cause: unknown) => {
      if (!(cause instanceof SseError) || !cause.code.startsWith('broker-')) throw cause;
      // The ticket may be used or not.
      throw new SseRetryLaterException('The ticket could not be checked.', { cause });
    });
  if (redeemed === 'denied') throw new ForbiddenException('The ticket is not accepted here.');
  if (redeemed === 'invalid') {
    throw new UnauthorizedException('The ticket is unknown, used or expired. Ask for a new one.');
  }
  setRequestTicket(request, redeemed);
  for (const cookie of redeemed.cookies) http.addCookie(cookie);
  return redeemed;
}

/** Refuses rooms that the ticket of a request does not name. @throws ForbiddenException */
export function checkTicketRooms(redeemed: RedeemedTicket | undefined, rooms: readonly string[]): void {
  if (exceedsTicket(redeemed, rooms)) throw new ForbiddenException(TICKET_ROOMS_MESSAGE);
}

/** True where one of the rooms is not among those that the ticket names. */
export function exceedsTicket(redeemed: RedeemedTicket | undefined, rooms: readonly string[]): boolean {
  const allowed = redeemed?.ticket.rooms;
  return allowed !== undefined && rooms.some((room) => !allowed.includes(room));
}

/**
 * Rooms of `@SseRoom(ticketRooms)`: those that the ticket of the request names. A request without a ticket is answered with 401;
 * a ticket that names no rooms joins none.
 */
export function ticketRooms(request: unknown): readonly string[] {
  const ticket = ticketOf(request);
  if (ticket === undefined) throw new UnauthorizedException('This stream needs a ticket.');
  return ticket.rooms ?? [];
}
