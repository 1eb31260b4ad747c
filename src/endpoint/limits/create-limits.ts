import type { SseClient } from '../../connection/sse-client.js';
import { SharedUserLimit } from '../../limits/shared-user-limit.js';
import {
  REPLACED_RETRY_MS,
  StreamLimits,
  type LimitsHost,
  type ResolvedLimits,
} from '../../limits/stream-limits.js';
import type { RoomHub } from '../../rooms/room-hub.js';
import { identifyClient } from '../identity/identify-client.js';
import type { NodeLog } from '../node-log.js';

interface LimitsParts {
  readonly hub: RoomHub;
  readonly log: NodeLog;
  /** Calls the option `identify`, and sets the identity of the client. */
  readonly identify: (client: SseClient) => void;
  readonly commands: { replace(clients: readonly string[], retryMs: number): Promise<void> };
}

/** @throws SseError `unsupported-by-broker` where a limit over all nodes needs what the broker has not */
export function createLimits(
  {
    limits,
    broker,
    metrics,
  }: {
    limits: ResolvedLimits;
    broker: ConstructorParameters<typeof SharedUserLimit>[0];
    metrics: LimitsHost['metrics'];
  },
  { hub, log, identify, commands }: LimitsParts,
): StreamLimits {
  const { maxStreamsPerUserOnAllNodes: max, atUserLimit: whenFull } = limits;
  const endStreams = (clients: readonly string[]): void =>
    void commands.replace(clients, REPLACED_RETRY_MS).catch((error: unknown) => log.failed(error));
  return new StreamLimits(limits, {
    metrics,
    onReached: log.limitReached,
    onUnchecked: log.limitUnchecked,
    identify: (client) => (hub.isHidden(client) ? undefined : identifyClient(client, identify)),
    clients: () => hub.clients,
    sharedUserLimit:
      max === false
        ? undefined
        : new SharedUserLimit(
            broker,
            { max, whenFull },
            { endStreams, onFailure: (error) => log.failed(error) },
          ),
  });
}
