import type { CallbackFailures } from '../callbacks/callback-failures.js';
import type { ConnectionServices } from '../connection/connection-services.js';
import type { ClientObserver } from './client-observer.interface.js';
import type { HubObservables } from './hub-observables.js';
import { settledWithin } from '../protocol/promises/deadline.js';
import type { Partitions } from './partitions/partitions.js';
import { PendingCalls } from './publish/pending-calls.js';
import type { ClientResumes } from './resume/client-resumes.js';
import type { RoomRegistry } from './room-registry.js';

export interface ClosingParts {
  readonly partitions: Partitions;
  readonly connections: ConnectionServices;
  readonly rooms: RoomRegistry;
  readonly resumes: ClientResumes;
  readonly observables: HubObservables;
  readonly observer?: ClientObserver;
  readonly callbacks: CallbackFailures;
  readonly shutdownGraceMs: number;
}

/** Closes the hub of a node, once. */
export class HubShutdown {
  readonly #parts: ClosingParts;
  readonly #pendingCalls = new PendingCalls();
  #closing: Promise<void> | undefined;
  #endsHub = false;

  constructor(parts: ClosingParts) {
    this.#parts = parts;
  }

  /** True once nothing is left but to end the hub: `false` while calls are awaited, and while streams are drained. */
  get hasBegun(): boolean {
    return this.#endsHub;
  }

  /** Waits with the end of the streams until a call to the broker has settled. @returns the call */
  waitFor<T>(call: Promise<T>): Promise<T> {
    return this.#pendingCalls.track(call);
  }

  /**
   * Waits for the calls in flight and delivers what they have published, ends every stream, and closes the broker. Each of
   * the first two steps takes at most `shutdownGraceMs`, and so does a last one for what was published meanwhile.
   *
   * @param endStreams ends streams after the first step, in a time of its own
   */
  close(endStreams?: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#close(endStreams);
    return this.#closing;
  }

  async #close(endStreams?: () => Promise<void>): Promise<void> {
    const { partitions, connections, rooms, observables, observer, callbacks } = this.#parts;
    await this.#deliverPending();
    await endStreams?.();
    this.#endsHub = true;
    const clients = [...rooms.roomOfAll.clients, ...rooms.hidden];
    const ended = clients.map((client) => client.connection.ended());
    for (const client of clients) client.connection.close('shutdown');
    connections.http2Sessions.close();
    await Promise.all(ended);
    await this.#deliverPending();
    await observer?.closing();
    // A broker of the application may fail to close: the rest is closed all the same.
    await partitions.close().catch((error: unknown) => callbacks.report('broker', error, 'close'));
    rooms.close();
    observables.complete();
  }

  /** Includes the clients that are catching up: held events are delivered when they are live. */
  async #deliverPending(): Promise<void> {
    const { partitions, resumes, shutdownGraceMs } = this.#parts;
    const delivered = this.#pendingCalls
      .settled()
      .then(() => partitions.whenDelivered())
      .then(() => resumes.allFinished());
    await settledWithin(delivered, shutdownGraceMs);
  }
}
