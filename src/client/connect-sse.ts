import type { ConnectOptions } from './connect-options.interface.js';
import { Connection } from './connection/connection.js';
import { lateSource } from './connection/late-source.js';
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
  checkOptions(url, options);
  return new SseLive<Events>(options, (events) => {
    if (!options.share && !options.rooms) return new Connection(String(url), options, events);
    const core = { Connection, Watchdog, SseClientError, watchWakeUps };
    // Loaded only where it is used.
    const more = options.rooms ? import('./rooms/room-source.js') : import('./share/share-connection.js');
    return lateSource(
      more.then(({ prepareSource }) => prepareSource(core, hrefOf(url), options, events)),
      events,
    );
  });
}

function checkOptions(
  url: string | URL,
  { transport, headers, method, body, share, lastEventId }: ConnectOptions,
): void {
  const sendsMore = share || (headers ?? method ?? body) !== undefined;
  const fault = !hrefOf(url)
    ? `${String(url)} is no absolute URL.`
    : share && lastEventId !== undefined
      ? 'Leave out lastEventId or share.'
      : transport === 'eventsource' && sendsMore
        ? 'Leave out transport, or headers, method, body and share.'
        : '';
  if (fault) throw new SseClientError('invalid-options', fault);
}

/** Returns the absolute URL; an empty text for what is none. */
function hrefOf(url: string | URL): string {
  try {
    return new URL(url, platform.location?.href).href;
  } catch {
    return '';
  }
}
