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
  isOver?: () => boolean,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    return repeatUntilReached(error, call, timeoutMs, isOver);
  }
}

/** Goes on as `untilReached` after a first attempt that has failed with `error`. */
export async function repeatUntilReached<T>(
  error: unknown,
  call: () => Promise<T>,
  timeoutMs: number,
  isOver: () => boolean = () => false,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  let failure = error;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)) {
    if (!isUnavailable(failure) || isOver() || performance.now() >= endMs) throw failure;
    await pause(retryMs, undefined, { ref: false });
    try {
      return await call();
    } catch (next) {
      failure = next;
    }
  }
}

export function isClosed(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-closed';
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-unavailable';
}
