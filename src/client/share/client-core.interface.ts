import type { Connection } from '../connection/connection.js';
import type { Watchdog } from '../connection/watchdog.js';
import type { watchWakeUps } from '../platform.js';
import type { SseClientError } from '../sse-client-error.js';

/**
 * The parts of the client that sharing needs. They are passed, not imported: a bundler would move what two files import into
 * a third one, which costs each page that does not share a request and 350 bytes.
 */
export interface ClientCore {
  readonly Connection: typeof Connection;
  readonly Watchdog: typeof Watchdog;
  readonly SseClientError: typeof SseClientError;
  readonly watchWakeUps: typeof watchWakeUps;
}
