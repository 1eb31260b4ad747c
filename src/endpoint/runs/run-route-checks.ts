import { SseError } from '../../protocol/sse-error.js';
import { storesRuns, unsupportedRuns } from '../../runs/resolve-runs.js';
import type { SseRoomMetadata } from '../routes/room-metadata.js';
import { runDecorator } from './run-metadata.js';

/** The broker, as far as start-up checks need it. */
export type RunsBroker = Parameters<typeof storesRuns>[0];

/**
 * Checks a route that starts or follows a run, and the option `control` of any stream.
 *
 * @throws SseError `invalid-options`, `unsupported-by-broker`
 */
export function checkRunRoute(
  { run, sources, control, replay, snapshot }: SseRoomMetadata,
  label: string,
  broker: RunsBroker,
): void {
  if (control === false && sources.length > 0) {
    throw new SseError(
      'invalid-options',
      `The option "control" of @SseRoom() on ${label} is false, but streams with rooms need their control events. Take the room away, or the option.`,
    );
  }
  if (run === undefined) return;
  if (sources.length > 0 || replay !== undefined || snapshot !== undefined) {
    throw new SseError(
      'invalid-options',
      `${label} has ${runDecorator(run)} and @SseRoom(), perhaps on its controller, but a stream is that of a run or of rooms. Use one of them.`,
    );
  }
  if (!storesRuns(broker)) throw unsupportedRuns(`${runDecorator(run)} on ${label} needs`);
}
