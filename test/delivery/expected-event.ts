import { normalised } from '../protocol/parsed.js';

/** One part of the stream that a client must receive: its bytes, and the result of parsing them. */
export interface ExpectedEvent {
  readonly text: string;
  readonly event?: { event: string | undefined; data: string; id: string | undefined };
  readonly comment?: string;
  readonly retry?: number;
}

/** Encodes an event as the HTML standard, 9.2.5 and 9.2.6, defines it; shares no code with the module's encoder. */
export function expectedEvent(event: string | undefined, data: string, id?: string): ExpectedEvent {
  const lines = [
    event === undefined ? [] : `event: ${event}`,
    ...normalised(data)
      .split('\n')
      .map((line) => `data: ${line}`),
  ];
  const all = [...lines.flat(), ...(id === undefined ? [] : [`id: ${id}`]), '', ''];
  return { text: all.join('\n'), event: { event, data: normalised(data), id } };
}

/** Throws when two byte strings differ, with the text around the first difference instead of a diff of megabytes. */
export function expectSameBytes(actual: Buffer, expected: Buffer): void {
  if (actual.equals(expected)) return;
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  const around = (bytes: Buffer): string =>
    JSON.stringify(bytes.toString('utf8', Math.max(0, at - 80), at + 80));
  throw new Error(
    `${actual.length} bytes instead of ${expected.length}, different from byte ${at} on: ` +
      `${around(actual)} instead of ${around(expected)}`,
  );
}
