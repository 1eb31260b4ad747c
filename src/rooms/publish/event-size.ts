import { SseError } from '../../protocol/sse-error.js';

/** Most bytes of UTF-8 for one unit of a string's length. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Refuses data over the limit of an event.
 *
 * @throws SseError `event-too-large`
 */
export function checkEventBytes(data: string | undefined, maxEventBytes: number | false): void {
  // Counting needs a pass over the text, so only a text that may be too large is counted.
  if (data === undefined || maxEventBytes === false || data.length * MAX_BYTES_PER_UNIT <= maxEventBytes)
    return;
  const bytes = Buffer.byteLength(data);
  if (bytes <= maxEventBytes) return;
  throw new SseError(
    'event-too-large',
    `The data of the event has ${bytes} bytes, over ${maxEventBytes}. Send a reference to it, or raise the option "limits.maxEventBytes" of SseModule.`,
  );
}
