import type { ConnectOptions } from '../connect-options.interface.js';
import type { Source, SourceEvents } from '../connection/source.interface.js';
import type { ClientCore } from './client-core.interface.js';
import { SharedSource } from './shared-source.js';
import { findSharing } from './sharing-platform.js';

/**
 * Returns a function that opens the connection that tabs share, or one of this tab alone where it cannot share any.
 *
 * @param url absolute
 */
export function prepareSource(
  core: ClientCore,
  url: string,
  options: ConnectOptions,
  events: SourceEvents,
): () => Source {
  return () => {
    const sharing = findSharing();
    if (sharing !== undefined) return new SharedSource(core, sharing, url, options, events);
    const message = 'Without Web Locks and BroadcastChannel each tab has its own connection.';
    events.error(new core.SseClientError('not-shared', message));
    return new core.Connection(url, options, events);
  };
}
