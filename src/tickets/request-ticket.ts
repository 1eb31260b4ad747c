import type { SseTicket } from './ticket-options.interface.js';
import type { RedeemedTicket } from './sse-tickets.js';

/** By Node's own request, which all wrappers share. */
const redeemed = new WeakMap<object, RedeemedTicket>();

export function setRequestTicket(request: object, ticket: RedeemedTicket): void {
  redeemed.set(rawOf(request), ticket);
}

export function redeemedOf(request: unknown): RedeemedTicket | undefined {
  return typeof request === 'object' && request !== null ? redeemed.get(rawOf(request)) : undefined;
}

/**
 * The ticket that a request has redeemed, in guards after `SseTicketGuard`, room functions, pipes and handlers; `undefined`
 * without one. `ticketOf(client.request)` is that of a client.
 */
export function ticketOf(request: unknown): SseTicket | undefined {
  return redeemedOf(request)?.ticket;
}

function rawOf(request: object): object {
  return (request as { readonly raw?: object }).raw ?? request;
}
