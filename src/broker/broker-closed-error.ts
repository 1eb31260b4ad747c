import { SseError } from '../protocol/sse-error.js';

/** Creates the error of a call to a broker before its `start` or after its `close`. */
export function brokerClosedError(): SseError {
  return new SseError(
    'broker-closed',
    'The broker is not running: publish after the application has started and before it closes.',
  );
}
