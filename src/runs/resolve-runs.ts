import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import { SseError } from '../protocol/sse-error.js';
import type { SseRunsOptions } from './run-options.interface.js';

/** The option `runs` with its values. */
export type ResolvedRuns = Required<SseRunsOptions>;

/**
 * @throws SseError `unsupported-by-broker` where the option is set and the broker stores no runs
 */
export function resolveRuns(
  options: SseRunsOptions | undefined,
  defaults: ResolvedRuns,
  broker: PartitionedBroker,
): ResolvedRuns {
  if (options !== undefined && !storesRuns(broker))
    throw unsupportedRuns('The option "runs" of SseModule needs');
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(given) as SseRunsOptions) };
}

export function storesRuns({ partitions }: PartitionedBroker): boolean {
  return partitions.every(({ runs }) => runs !== undefined);
}

/** @param subject the beginning of the message: what needs such a broker */
export function unsupportedRuns(subject: string): SseError {
  return new SseError(
    'unsupported-by-broker',
    `${subject} a broker that stores runs. Give the broker \`runs\`, or use the memory broker.`,
  );
}
