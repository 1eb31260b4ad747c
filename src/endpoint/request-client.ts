import * as nest from '@nestjs/common';
import { SseClient } from '../connection/sse-client.js';

/**
 * Property of a request that holds its client. It is Nest's own symbol, so that Nest's `@SseSignal()`, which reads
 * `.signal` of this property, returns the client's signal. The first releases of Nest 11 do not have the symbol.
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
