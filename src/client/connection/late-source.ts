import type { Source, SourceEvents } from './source.interface.js';

/**
 * Returns a source whose code is loaded first.
 *
 * @param open rejects where the code cannot be loaded
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
  // Pending for good where the code cannot be loaded, or the client is closed before.
  const opened = new Promise<Source>((resolve) => {
    open.then(
      (openNow) => {
        if (!isClosed) resolve((source = openNow()));
      },
      (error: unknown) => {
        events.error(error);
        close();
      },
    );
  });
  return {
    listen: (name) => source?.listen(name),
    room: async (name) => ((await opened) as Required<Source>).room(name),
    close,
  };
}
