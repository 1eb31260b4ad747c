import type { CallbackFailures } from '../../callbacks/callback-failures.js';
import type { SerializeData } from '../../protocol/input/serialize-data.js';
import type { RoomNameRules } from '../../protocol/input/room-name.js';
import type { PublisherOptions } from '../../rooms/publish/event-publisher.js';
import { RunObserver } from '../../runs/run-observer.js';
import { RunNode } from '../../runs/run-node.js';
import { SseRuns } from '../../runs/sse-runs.js';
import type { ResolvedRuns } from '../../runs/resolve-runs.js';
import { encodeRunValue } from './run-values.js';

interface RunsOptions extends RoomNameRules {
  readonly broker: ConstructorParameters<typeof RunNode>[0];
  readonly runs: ResolvedRuns;
  readonly serialize: SerializeData;
  readonly metrics: ConstructorParameters<typeof RunObserver>[0];
  readonly limits: NonNullable<PublisherOptions['limits']>;
}

/** Creates the runs of a node. */
export function createRuns(options: RunsOptions, callbacks: CallbackFailures): SseRuns {
  const { broker, runs, serialize, limits, metrics } = options;
  const node = new RunNode(broker, runs, {
    encode: (value) => encodeRunValue(value, serialize, limits.maxEventBytes),
    observer: new RunObserver(metrics),
    report: (callback, error, context) => callbacks.report(callback, error, context),
  });
  return new SseRuns(node, options);
}
