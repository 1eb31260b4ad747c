/** An event of a stream, as a browser receives it. */
export interface TestEvent {
  /** The name; `'message'` for an event without one. */
  readonly event: string;
  /** The data: parsed where it is JSON, otherwise the text. */
  readonly data: unknown;
  /** The data as it was sent. */
  readonly text: string;
  /** The `id:` of this event; `undefined` for an event without one. */
  readonly id: string | undefined;
}

/** The data of an `sse:gap`: events may be missing. */
export interface TestGap {
  readonly reason: string;
  /** The rooms that may lack events. */
  readonly rooms?: readonly string[];
}

/** True for the events of this package, such as `sse:ready` and `sse:gap`: no event of an application. */
export function isControlEvent({ event }: TestEvent): boolean {
  return event.startsWith('sse:');
}

/** Names an event for a message, such as `paid {"id":7}`. */
export function describeEvent({ event, text }: TestEvent): string {
  return `${event} ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}
