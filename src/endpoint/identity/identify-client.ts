import type { SseClient } from '../../connection/sse-client.js';
import { redeemedOf } from '../../tickets/request-ticket.js';

/** Sets the identity of a client: that of its ticket, which was checked when it was issued, or the application's. */
export function identifyClient(client: SseClient, identify: (client: SseClient) => void): void {
  const redeemed = redeemedOf(client.request);
  if (redeemed === undefined) identify(client);
  else client.identity = redeemed.record;
}
