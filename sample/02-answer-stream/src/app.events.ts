export type NodeName = 'A' | 'B';

/** The first event of an answer and of an import. */
export interface Begin {
  /** The node that produces it. `undefined` where there is only one. */
  node?: NodeName | undefined;
}

/** Event name -> data: what the runs of this sample send. */
export type RunEvents = {
  begin: Begin;
  /** The next words of an answer, with the space in front of each. */
  words: string;
  progress: { done: number; total: number };
  result: { imported: number; skipped: number };
};

/** Room of the commands to kill a node. Nodes subscribe to it; no page is in it. */
export const KILL_ROOM = 'kill';

/** Events of rooms: `SseService<AppEvents>` lets the compiler check every broadcast. */
export type AppEvents = {
  kill: { node: NodeName };
};
