import { encodeLines, type SseFields } from '../protocol/encode-event.js';
import type { SseRunEvent } from './run-options.interface.js';

/**
 * An event as the store has it: one character, and the lines of the event without its id. `t` has data that were a string, `j`
 * other data, and `-` more or other fields than name and data, so that it is never merged.
 */
export type RunEntry = string;

/** @param isText `true` if the data were a string */
export function encodeEntry(fields: Omit<SseFields, 'id'>, isText: boolean): RunEntry {
  const { data, comment, retry } = fields;
  const kind = data === undefined || comment !== undefined || retry !== undefined ? '-' : isText ? 't' : 'j';
  return kind + encodeLines(fields);
}

/** Returns the bytes of the event for a stream. */
export function entryText(entry: RunEntry, id: string): string {
  return `${entry.slice(1)}id: ${id}\n\n`;
}

export function hasTextData(entry: RunEntry): boolean {
  return entry.startsWith('t');
}

/** @returns `undefined` for an event with other fields */
export function decodeEntry(entry: RunEntry): SseRunEvent | undefined {
  if (entry.startsWith('-')) return undefined;
  const named = /^.event: (.*)\n/.exec(entry);
  const lines = entry.slice(named?.[0].length ?? 1, -1).split('\n');
  return { event: named?.[1], data: lines.map((line) => line.slice('data: '.length)).join('\n') };
}
