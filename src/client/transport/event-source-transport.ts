import type { EventSourceClass, MessageLike } from '../platform.js';
import type { StreamSink, Transport } from './transport.interface.js';

const CONNECTING = 0;

/** Opens a stream with `EventSource`, which reconnects by itself unless the server answers with a status other than 200. */
export function openEventSource(
  EventSource: EventSourceClass,
  url: string,
  withCredentials: boolean,
  sink: StreamSink,
): Transport {
  const source = new EventSource(url, { withCredentials });
  const names = new Set<string>();
  const receive = ({ type, data, lastEventId = '' }: MessageLike): void => {
    // The event `error` of the `EventSource` itself has no data.
    if (data === undefined) return;
    sink.received();
    // Empty before the first id of this connection, also on one that began at a position in its URL.
    if (lastEventId !== '') sink.position(lastEventId);
    sink.event({ name: type, text: data, id: lastEventId });
  };
  source.addEventListener('open', () => sink.opened());
  source.addEventListener('error', () =>
    sink.ended(source.readyState === CONNECTING ? { reconnects: true } : { isHidden: true }),
  );
  return {
    listen(name) {
      if (!names.has(name)) source.addEventListener(name, receive);
      names.add(name);
    },
    close: () => source.close(),
  };
}
