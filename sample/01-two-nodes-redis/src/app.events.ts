export type NodeName = 'A' | 'B';

/** Rooms of every stream, named by its endpoint. Both nodes publish in them. */
export const ROOMS = ['orders', 'prices', 'alerts', 'chat'] as const;
/** Rooms that a page joins and leaves while its stream is open. Both nodes publish in them too. */
export const MATCHES = ['match/1', 'match/2', 'match/3'] as const;
export type Room = (typeof ROOMS)[number] | (typeof MATCHES)[number];

/** Room in which the supervisor publishes the state of the nodes. */
export const NODES_ROOM = 'nodes';
/** Room for commands to close a connection. Nodes subscribe to it; no page is in it. */
export const CUT_ROOM = 'cut';

/** A numbered event of a node. A missing number is a missed event. */
export interface Count {
  /** Room, node and run, as in `orders A2`. Each run of a node counts from 1. */
  room: string;
  /** 1, 2, 3 … */
  seq: number;
  /** Start of this run, by the server's clock in milliseconds; 0 in a match, whose numbers count from a page's join on. */
  since: number;
}

/** A numbered event of one of `ROOMS` or `MATCHES`. */
export interface Numbered extends Count {
  /** Time of publishing by the server's clock, in milliseconds. */
  at: number;
  node: NodeName;
  topic: Room;
}

/** The first event of a stream: its client id and its node. */
export interface Welcome {
  /** Sent to this connection only: a POST with it is from this tab. */
  clientId: string;
  node: NodeName;
  at: number;
}

/** Figures of one node, measured each second. */
export interface Figures {
  clients: number;
  /** Deliveries to clients of this node in the last second. */
  deliveries: number;
  /** Published by this node in the last second. */
  published: number;
}

export interface NodeStatus extends Figures {
  name: NodeName;
  state: 'starting' | 'up' | 'down';
  /** Process id of the running node. */
  pid?: number;
  /** Milliseconds until it starts again, while it is down. */
  startsInMs?: number;
}

/** Published each second, and when the state of a node changes. */
export interface NodesStatus {
  nodes: NodeStatus[];
  /** Newest number of each run, reported over a pipe, not through Redis. The page compares it with its own. */
  accepted: Count[];
}

/** Event name -> data: `SseService<AppEvents>` lets the compiler check every broadcast. */
export type AppEvents = {
  welcome: Welcome;
  numbered: Numbered;
  nodes: NodesStatus;
  cut: { clientId: string };
};

/** Message from a node's process to the supervisor. */
export type NodeReport =
  { kind: 'up' } | { kind: 'figures'; figures: Figures } | { kind: 'accepted'; count: Count };
