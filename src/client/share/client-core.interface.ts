import type { ConnectionOptions, OpenConnection, SourceEvents } from '../connection/source.interface.js';
import type { Watchdog } from '../connection/watchdog.js';
import type { watchWakeUps } from '../platform.js';
import type { SseClientError } from '../sse-client-error.js';

/**
 * The parts of the client that sharing and rooms need. They are passed, not imported: a bundler would move what two files
 * import into a third one, which costs each page that uses neither a request and 350 bytes.
 */
export interface ClientCore {
  readonly Connection: new (url: string, options: ConnectionOptions, events: SourceEvents) => OpenConnection;
  readonly Watchdog: typeof Watchdog;
  readonly SseClientError: typeof SseClientError;
  readonly watchWakeUps: typeof watchWakeUps;
  /** Returns a key for the session of the tabs. Default: their streams have no session. */
  readonly newKey?: () => string;
}
