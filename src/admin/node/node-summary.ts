import type { SseClient } from '../../connection/sse-client.js';
import { messageOf } from '../../protocol/error-text.js';
import type { RoomHub } from '../../rooms/room-hub.js';
import { largest } from './largest.js';
import type { Activity } from './node-activity.js';

/** Rooms and slow clients of a summary: a node with 5,000 rooms sends no more than one with 50. */
const MAX_ROOMS = 50;
const MAX_SLOW_CLIENTS = 20;
const MAX_ERROR_LENGTH = 300;

/** A client whose socket is full, and for which bytes wait. */
export interface SlowClient {
  readonly id: string;
  readonly user: string | undefined;
  readonly queuedBytes: number;
  /** Milliseconds since the socket took the last bytes. */
  readonly stalledMs: number;
}

/** The figures of one node at one moment. Bounded in size. */
export interface NodeSummary {
  readonly node: string;
  readonly name: string;
  /** Milliseconds since the node has started. */
  readonly uptimeMs: number;
  readonly streams: number;
  readonly rooms: number;
  readonly activity: Activity;
  /** The largest rooms: name and clients on this node. */
  readonly topRooms: readonly (readonly [string, number])[];
  /** Bytes are those of all of them together, though clients that stall over the same events share these. */
  readonly slowClients: {
    readonly count: number;
    readonly queuedBytes: number;
    readonly top: readonly SlowClient[];
  };
  readonly broker: { readonly state: string; readonly error: string | undefined };
  readonly memoryBytes: number;
  /** Part of the time that the event loop was busy since the last summary, 0 to 1. */
  readonly eventLoop: number;
}

/** Makes the summaries of one node. */
export class SummaryMaker {
  readonly #hub: RoomHub;
  #loop = performance.eventLoopUtilization();

  constructor(hub: RoomHub) {
    this.#hub = hub;
  }

  make(node: string, name: string, activity: Activity): NodeSummary {
    const rooms = this.#hub.roomNames();
    const slow = [...this.#hub.clients].filter(({ connection }) => connection.queue.isStalled);
    const nowMs = performance.now();
    return {
      node,
      name,
      uptimeMs: Math.round(process.uptime() * 1_000),
      streams: this.#hub.clients.size,
      rooms: rooms.length,
      activity,
      topRooms: largest(rooms, MAX_ROOMS, this.#hub.roomSize).map((room) => [room, this.#hub.roomSize(room)]),
      slowClients: {
        count: slow.length,
        queuedBytes: slow.reduce((sum, { connection }) => sum + connection.queue.queuedBytes, 0),
        top: largest(slow, MAX_SLOW_CLIENTS, ({ connection }) => connection.queue.queuedBytes + 1).map(
          (client) => slowClient(client, nowMs),
        ),
      },
      broker: {
        state: this.#hub.observables.brokerState.value,
        error: errorText(this.#hub.brokerFailure()),
      },
      memoryBytes: process.memoryUsage.rss(),
      eventLoop: this.#eventLoop(),
    };
  }

  #eventLoop(): number {
    const before = this.#loop;
    this.#loop = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(this.#loop, before).utilization;
  }
}

function slowClient(client: SseClient, nowMs: number): SlowClient {
  const { queuedBytes, stalledSinceMs } = client.connection.queue;
  const stalledMs = Math.max(0, Math.round(nowMs - stalledSinceMs));
  return { id: client.id, user: client.user, queuedBytes, stalledMs };
}

function errorText(error: Error | undefined): string | undefined {
  return error && messageOf(error).slice(0, MAX_ERROR_LENGTH);
}
