import * as nest from '@nestjs/common';
import { SseClient } from '../connection/sse-client.js';

/**
 * Where a request keeps its client. Nest's `@SseSignal()` reads `.signal` of what stands under this symbol of Nest's,
 * and the client makes its signal when first asked: so one property serves both. Not in the first releases of Nest 11.
 */
const CLIENT: symbol =
  (nest as { readonly SSE_ABORT_CONTROLLER?: symbol }).SSE_ABORT_CONTROLLER ??
  Symbol('nestjs-simple-sse:client');

type ClientCarrier = Record<symbol, SseClient | undefined>;

export function setRequestClient(request: object, client: SseClient): void {
  (request as ClientCarrier)[CLIENT] = client;
}

export function requestClient(request: object): SseClient | undefined {
  const client = (request as ClientCarrier)[CLIENT];
  return client instanceof SseClient ? client : undefined;
}
