import type { ConnectOptions } from '../connect-options.interface.js';
import type { ConnectionOptions, Source, SourceEvents } from '../connection/source.interface.js';
import type { ClientCore } from '../share/client-core.interface.js';
import { RoomConnection } from './room-connection.js';
import { newKey } from './rooms-platform.js';
import { TabRooms } from './tab-rooms.js';

/**
 * Returns a function that opens the connection of a client that joins rooms at run time, of this tab or of all tabs.
 *
 * @param url absolute
 */
export async function prepareSource(
  core: ClientCore,
  url: string,
  options: ConnectOptions,
  events: SourceEvents,
): Promise<() => Source> {
  const sharing = options.share ? await import('../share/share-connection.js') : undefined;
  const Connection = class extends RoomConnection {
    constructor(address: string, own: ConnectionOptions, receiver: SourceEvents) {
      super(core, address, own, receiver);
    }
  };
  return () =>
    new TabRooms(core, events, (received) =>
      sharing === undefined
        ? new Connection(url, options, received)
        : sharing.prepareSource({ ...core, Connection, newKey }, url, options, received)(),
    );
}
