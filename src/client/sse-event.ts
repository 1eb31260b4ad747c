/** An event, as a listener receives it beside its data. */
export interface SseEvent<Name extends string = string, Data = unknown> {
  readonly name: Name;
  readonly data: Data;
  /** The text from which the option `parse` made `data`. */
  readonly text: string;
  /** Position of this event, or of the last one that had a position; empty before the first one. */
  readonly id: string;
}

/** Events may be missing, and the state of these rooms is to be loaded again. `'*'` means events to all clients. */
export interface SseGap {
  readonly rooms: readonly string[];
  readonly reason: string;
  /** Name of the run, on the stream of a run. */
  readonly run?: string;
}

/** Events of the server itself. An application cannot send events whose names begin with `sse:`. */
export interface SseControlEvents {
  'sse:ready': {
    readonly clientId: string;
    readonly resumed: 'none' | 'full' | 'partial';
    /** Rooms of the stream's session. */
    readonly restored?: readonly string[];
  };
  'sse:gap': SseGap;
  'sse:end': {
    readonly run: string;
    readonly state: 'done' | 'failed' | 'stopped';
    readonly reason?: string;
    readonly events: number;
  };
  'sse:join': { readonly room: string; readonly user: string; readonly info?: unknown };
  'sse:leave': { readonly room: string; readonly user: string; readonly info?: unknown };
  'sse:error': { readonly message: string };
}

/** The events of an application, by name, with those of the server. */
export type AllEvents<Events> = Events & SseControlEvents;

/** Names of events. */
export type EventName<Events> = keyof AllEvents<Events> & string;

/** The event of one name. */
export type EventOf<Events, Name extends EventName<Events>> = SseEvent<Name, AllEvents<Events>[Name]>;

/** Receives the events of one name. */
export type EventListener<Events, Name extends EventName<Events>> = (
  data: AllEvents<Events>[Name],
  event: EventOf<Events, Name>,
) => void;
