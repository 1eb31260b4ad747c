import type { Observable } from 'rxjs';
import type { CloseReason } from '../connection/close-reason.js';
import type { SseClient } from '../connection/sse-client.js';
import { CHANNELS } from './channels.js';

/** Sources of the messages on the channels of a node. */
export interface NodeObservables {
  readonly opened: Observable<{ client: SseClient }>;
  readonly disconnected: Observable<{ client: SseClient; reason: CloseReason }>;
  readonly brokerState: Observable<string>;
}

/** Publishes the clients and the broker of a node to the channels, until the Observables complete. */
export function publishToChannels({ opened, disconnected, brokerState }: NodeObservables): void {
  opened.subscribe((message) => {
    if (CHANNELS.open.hasSubscribers) CHANNELS.open.publish(message);
  });
  disconnected.subscribe((message) => {
    if (CHANNELS.close.hasSubscribers) CHANNELS.close.publish(message);
  });
  brokerState.subscribe((state) => {
    if (CHANNELS.broker.hasSubscribers) CHANNELS.broker.publish({ state });
  });
}
