export type NodeName = 'A' | 'B';

/** Rooms in which both nodes publish. */
export const ROOMS = ['orders', 'prices', 'alerts', 'chat'] as const;
export type Room = (typeof ROOMS)[number];

/** The room in which the supervisor tells what it sees of the nodes. */
export const FLEET_ROOM = 'fleet';
/** The room by which nodes find the one that holds a connection; no page is in it. */
export const CUT_ROOM = 'cut';

/** One of a node's numbers. The page counts them: a hole is an event that was missed. */
export interface Count {
  /** Who counts what: a room, a node and its run, as in `orders A2`. A node that starts again counts anew. */
  room: string;
  /** 1, 2, 3 … */
  seq: number;
  /** When this run began to count, by the server's clock in milliseconds. */
  since: number;
}

/** A numbered event of one of `ROOMS`. */
export interface Numbered extends Count {
  /** The server's clock when it was said, in milliseconds. */
  at: number;
  node: NodeName;
  topic: Room;
}

/** The first event of a stream: whom the tab has reached. */
export interface Welcome {
  /** Known to this connection alone: a POST that brings it is from this tab. */
  clientId: string;
  node: NodeName;
  at: number;
}

/** What a node measures of itself, each second. */
export interface Figures {
  clients: number;
  /** Handed to clients of this node in the last second. */
  deliveries: number;
  /** Published by this node in the last second. */
  published: number;
}

export interface NodeStatus extends Figures {
  name: NodeName;
  state: 'starting' | 'up' | 'down';
  /** Of the running process. */
  pid?: number;
  /** While it is down: in how many milliseconds it starts again. */
  startsInMs?: number;
}

/** Each second, and whenever a node comes or goes. */
export interface Fleet {
  nodes: NodeStatus[];
  /** How far each count has come, as the nodes told the supervisor past Redis: the page holds it against its own. */
  accepted: Count[];
}

/** Event name -> data: `SseService<AppEvents>` lets the compiler check every broadcast. */
export type AppEvents = {
  welcome: Welcome;
  numbered: Numbered;
  fleet: Fleet;
  cut: { clientId: string };
};

/** From a node's process to the supervisor. */
export type NodeReport =
  { kind: 'up' } | { kind: 'figures'; figures: Figures } | { kind: 'accepted'; count: Count };
