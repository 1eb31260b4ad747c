import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import type { ResolvedSessions } from './session-checks.js';
import type { SessionNode } from './session-node.interface.js';
import { StoredSessions, type JoinPoints, type PointsOf } from './stored-sessions.js';
import { StreamSessions, type StreamSessionsHost } from './stream-sessions.js';

/** The hub of the node, as far as sessions need it. */
interface SessionsHub {
  readonly authorizer: Pick<SessionNode, 'allowed'>;
  readonly beforeClose: StreamSessionsHost['beforeClose'];
  readonly livePoints: PointsOf;
}

/** @returns the sessions of this node and the stored ones of all nodes; `undefined` for both where they are switched off */
export function createSessions(
  { broker, sessions: options }: { broker: PartitionedBroker; sessions: ResolvedSessions | false },
  hub: SessionsHub,
): { readonly sessions?: StreamSessions; readonly stored?: StoredSessions } {
  if (options === false) return {};
  const sessions = new StreamSessions(broker, options, {
    allowed: (client, rooms) => hub.authorizer.allowed(client, rooms),
    beforeClose: hub.beforeClose,
  });
  const { store } = sessions;
  const points: JoinPoints = {
    pointsOf: (rooms, signal) => hub.livePoints(rooms, signal),
    isKnownToStore: (room) =>
      store.joinsNow === true && broker.partitions[broker.partitionOf(room)]?.sessions === store,
  };
  return { sessions, stored: new StoredSessions(sessions, points) };
}
