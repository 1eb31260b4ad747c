import { request } from 'node:http';
import { EventSourceReader, type DispatchedEvent } from '../../oracle/event-source-reader.js';

export interface Attempt {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly lastEventId: string;
  /** Bytes after which the connection is cut. */
  readonly maxBytes: number;
  /** Longest silence, in milliseconds: a frozen node says nothing. */
  readonly silenceMs: number;
  /** Longest duration, in milliseconds: a client that hangs is cut at the end of its patience. */
  readonly maxMs: number;
  readonly onHead: (status: number | undefined) => unknown;
  readonly onEvent: (event: DispatchedEvent) => void;
}

export interface Outcome {
  /** `undefined` without an answer. */
  readonly status: number | undefined;
  /** `true` for a response that has ended by itself. */
  readonly isWhole: boolean;
  readonly lastEventId: string;
}

/** Opens one connection of an event stream, over Node's HTTP client and a parser of others. Resolves when it has ended. */
export function connectOnce(attempt: Attempt): Promise<Outcome> {
  const { url, method = 'GET', lastEventId, maxBytes, maxMs, silenceMs, onHead, onEvent } = attempt;
  const reader = new EventSourceReader(lastEventId, onEvent);
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (lastEventId !== '') headers['last-event-id'] = lastEventId;
  return new Promise((resolve) => {
    let status: number | undefined;
    let isWhole = false;
    let left = maxBytes;
    const sent = request(url, { method, headers, agent: false });
    const timer = setTimeout(() => sent.destroy(), silenceMs);
    const overall = setTimeout(() => sent.destroy(), maxMs);
    sent
      .on('error', () => {})
      .once('close', () => {
        clearTimeout(timer);
        clearTimeout(overall);
        resolve({ status, isWhole, lastEventId: reader.lastEventId });
      });
    sent.once('response', (response) => {
      status = response.statusCode;
      onHead(status);
      response.on('error', () => {}).once('end', () => (isWhole = true));
      response.on('data', (bytes: Buffer) => {
        if (sent.destroyed) return;
        timer.refresh();
        if (status === 200) reader.feed(bytes.subarray(0, left));
        left -= bytes.length;
        if (left <= 0) sent.destroy();
      });
    });
    sent.end();
  });
}
