import { SseError } from '../protocol/sse-error.js';

/** @throws SseError `broker-closed` */
export function refuseWhileClosing(isClosing: boolean): void {
  if (!isClosing) return;
  throw new SseError(
    'broker-closed',
    'The application is closing, so no run is started. Start it on another node.',
  );
}

export function tooManyRuns(maxRuns: number): SseError {
  return new SseError(
    'too-many-runs',
    `${maxRuns} runs go on at this node already. Wait until one has ended, or raise the option "runs.maxRuns" of SseModule.`,
  );
}
