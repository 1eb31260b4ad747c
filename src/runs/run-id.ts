import { randomBytes } from 'node:crypto';

/** The place of an event in its run, as read from a client's `Last-Event-ID`. */
export interface RunPoint {
  readonly epoch: string;
  /** Number of events up to and with this one. */
  readonly index: number;
  /** `true` if the client has received the end of the run. */
  readonly isEnd: boolean;
}

const WIRE_ID = /^3\.([0-9a-z]{16})\.(0|[1-9a-z][0-9a-z]{0,9})(\.end)?$/;

/** Returns the name of a new execution of a run. */
export function newRunEpoch(): string {
  return randomBytes(8).toString('hex');
}

/** @returns `3.<epoch>.<index in base 36>`. The ids of rooms begin with `1.` or `2.` */
export function formatRunId(epoch: string, index: number): string {
  return `3.${epoch}.${index.toString(36)}`;
}

/** The id of `sse:end`. */
export function formatRunEnd(epoch: string, index: number): string {
  return `${formatRunId(epoch, index)}.end`;
}

/** Parses an id that a client sent. @returns `undefined` for text that `formatRunId` and `formatRunEnd` do not write */
export function parseRunId(id: string): RunPoint | undefined {
  const [, epoch, digits, end] = WIRE_ID.exec(id) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const index = parseInt(digits, 36);
  return Number.isSafeInteger(index) ? { epoch, index, isEnd: end !== undefined } : undefined;
}
