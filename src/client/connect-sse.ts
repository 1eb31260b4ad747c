import type { ConnectOptions } from './connect-options.interface.js';
import { Connection } from './connection/connection.js';
import { LateSource } from './connection/late-source.js';
import { Watchdog } from './connection/watchdog.js';
import { platform, watchWakeUps } from './platform.js';
import { SseClientError } from './sse-client-error.js';
import { SseLive } from './sse-live.js';

/**
 * Opens a stream that repairs itself: it resumes where it was cut, asks for new tickets, finds connections that are dead, and
 * says in which state it is. Listeners that are added in the same turn miss nothing.
 *
 * ```ts
 * interface AppEvents {
 *   paid: { id: number };
 * }
 * const live = connectSse<AppEvents>('/events');
 * live.on('paid', ({ id }) => show(id));
 * live.onGap(({ rooms }) => reload(rooms));
 * live.onState((state) => (badge.textContent = state));
 * ```
 *
 * @param url relative to the page; absolute where there is no page
 * @throws SseClientError `invalid-options`
 */
export function connectSse<Events extends object = Record<string, unknown>>(
  url: string | URL,
  options: ConnectOptions = {},
): SseLive<Events> {
  checkOptions(String(url), options);
  return new SseLive<Events>(options, (events) => {
    if (!options.share) return new Connection(String(url), options, events);
    const core = { Connection, Watchdog, SseClientError, watchWakeUps };
    const { href } = new URL(url, platform.location?.href);
    // Loaded only where it is used.
    const sharing = import('./share/share-connection.js');
    return new LateSource(
      sharing.then(
        ({ shareConnection }) =>
          () =>
            shareConnection(core, href, options, events),
      ),
      events,
    );
  });
}

function checkOptions(
  url: string,
  { transport, headers, method, body, share, lastEventId }: ConnectOptions,
): void {
  if (!isUrl(url)) {
    throw new SseClientError('invalid-options', `${url} is no URL. Outside a page it must be absolute.`);
  }
  if (share && lastEventId !== undefined) {
    throw new SseClientError(
      'invalid-options',
      'A shared connection is at a position of its own. Leave out lastEventId or share.',
    );
  }
  if (transport === 'eventsource' && (share || (headers ?? method ?? body) !== undefined)) {
    throw new SseClientError(
      'invalid-options',
      'An EventSource is not shared, and sends no headers, method or body. Leave out the option transport.',
    );
  }
}

function isUrl(url: string): boolean {
  try {
    return new URL(url, platform.location?.href).href !== '';
  } catch {
    return false;
  }
}
