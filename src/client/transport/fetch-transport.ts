import type { FetchFunction, RequestLike } from '../platform.js';
import { EventParser } from './event-parser.js';
import type { StreamEnd, StreamSink, Transport } from './transport.interface.js';

/** Opens a stream with `fetch`. It never reconnects by itself. */
export function openFetch(
  fetch: FetchFunction,
  url: string,
  request: RequestLike,
  lastEventId: string,
  sink: StreamSink,
): Transport {
  const abort = new AbortController();
  void read(fetch(url, { ...request, cache: 'no-store', signal: abort.signal }))
    .catch((): StreamEnd => ({}))
    .then((end) => {
      abort.abort();
      sink.ended(end);
    });

  async function read(answer: ReturnType<FetchFunction>): Promise<StreamEnd> {
    const { status, headers, body } = await answer;
    const isStream = headers.get('content-type')?.startsWith('text/event-stream');
    if (status !== 200 || !isStream) {
      return { status, retryAfterMs: Number(headers.get('retry-after')) * 1_000 || 0 };
    }
    // React Native's own `fetch` reads an answer as a whole.
    if (!body) return { status, isUnreadable: true };
    sink.opened();
    const parser = new EventParser(lastEventId, sink);
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return {};
      sink.received();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  }

  return { listen: () => {}, close: () => abort.abort() };
}
