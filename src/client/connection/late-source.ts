import type { Source, SourceEvents } from './source.interface.js';

/**
 * Returns a source whose code is loaded first.
 *
 * @param open rejects where the code cannot be loaded. The error is reported, and the source is closed
 */
export function lateSource(open: Promise<() => Source>, events: SourceEvents): Source {
  let source: Source | undefined;
  let isClosed = false;
  const close = (): void => {
    if (source !== undefined) return source.close();
    if (isClosed) return;
    isClosed = true;
    events.state('closed', { reason: 'closed' });
  };
  const opened = open
    .then((openNow) => {
      if (!isClosed) source = openNow();
    })
    .catch((error: unknown) => {
      events.error(error);
      close();
    });
  return {
    listen: (name) => source?.listen(name),
    room: async (name) => {
      await opened;
      return source?.room?.(name);
    },
    close,
  };
}
