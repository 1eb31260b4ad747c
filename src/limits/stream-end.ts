import { MAX_TIMER_MS } from '../protocol/input/option-checks.js';

/** The moment at which a stream ends by itself. */
export interface StreamEnd {
  readonly reason: 'max-age' | 'expired';
  readonly delayMs: number;
}

/** Ages at which streams end. Few, since Node keeps a list of timers for each delay. */
const AGE_STEPS = 32;
/** Part of `maxAgeMs`, or of the time until a client expires, over which the ends are spread. */
const SPREAD = 0.1;
/** Bounds of the time between the end of a stream and the moment at which its client expires, in milliseconds. */
const [MIN_LEAD_MS, MAX_LEAD_MS] = [250, 60_000];
/** Delays to an expiry are multiples of it, in milliseconds, from a minute on. */
const DELAY_STEP_MS = 250;

/**
 * The earlier one of the ends of age and expiry.
 *
 * @param expiresAtMs milliseconds since 1970
 * @returns `undefined` for a stream without an end; a delay of 0 for a client that has expired
 */
export function streamEnd(
  maxAgeMs: number | false,
  expiresAtMs: number | undefined,
  nowMs = Date.now(),
): StreamEnd | undefined {
  const age = maxAgeMs === false ? Infinity : ageOf(maxAgeMs);
  const expiry = expiresAtMs === undefined ? Infinity : delayBefore(expiresAtMs - nowMs);
  if (expiry <= age && expiry !== Infinity) return { reason: 'expired', delayMs: expiry };
  return age === Infinity ? undefined : { reason: 'max-age', delayMs: age };
}

function ageOf(maxAgeMs: number): number {
  const step = Math.floor(Math.random() * AGE_STEPS) / AGE_STEPS;
  return Math.max(1, Math.round(maxAgeMs * (1 - SPREAD * step)));
}

/** Ends between half and the whole of the spread before, since a timer of a busy process is late. */
function delayBefore(leftMs: number): number {
  const spreadMs = Math.min(MAX_LEAD_MS, Math.max(2 * MIN_LEAD_MS, leftMs * SPREAD));
  const delayMs = Math.floor(leftMs - spreadMs * (0.5 + Math.random() / 2));
  const inSteps = delayMs < MAX_LEAD_MS ? delayMs : delayMs - (delayMs % DELAY_STEP_MS);
  return Math.min(MAX_TIMER_MS, Math.max(0, inSteps));
}
