import { setTimeout as pause } from 'node:timers/promises';
import { SseError } from '../protocol/sse-error.js';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 1_000;

/**
 * Repeats a call to the store while the store cannot be reached.
 *
 * @param timeoutMs time after the first failure, after which the last failure is thrown
 * @param isOver `true` ends the attempts with the last failure. Default: never
 */
export async function untilReached<T>(
  call: () => Promise<T>,
  timeoutMs: number,
  isOver: () => boolean = () => false,
): Promise<T> {
  let startMs: number | undefined;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)) {
    try {
      return await call();
    } catch (error) {
      startMs ??= performance.now();
      if (!isUnavailable(error) || isOver() || performance.now() - startMs >= timeoutMs) throw error;
      await pause(retryMs, undefined, { ref: false });
    }
  }
}

export function isClosed(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-closed';
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-unavailable';
}
