import type { SseClient } from '../../connection/sse-client.js';
import type { RunTimeJoin } from '../../connection/sse-client.interface.js';
import type { Replay } from '../../protocol/input/replay-option.js';
import { ClientResume } from './client-resume.js';
import type { StateSnapshot } from '../state-snapshot.interface.js';
import type { ResumeServices } from './first-read.interface.js';

/** Options of `attach`. */
export interface AttachTiming {
  /** True if the stream begins with `sse:ready`, if it has rooms. */
  readonly ready: boolean;
  /** Waits for the next turn of the event loop, so that rooms joined in this turn are resumed, too. */
  readonly nextTurn: boolean;
  /** Events that a client without a `Last-Event-ID` receives first. Default: none. */
  readonly newest?: Replay | undefined;
  /** The state that a new client begins with. Default: none. */
  readonly snapshot?: StateSnapshot | undefined;
}

/**
 * The resumes of clients that are not live yet. Runs one at a time for each client, which has one gate. A client whose
 * history cannot be read is closed, and reconnects with the same position.
 */
export class ClientResumes {
  readonly #services: ResumeServices;
  readonly #report: (error: unknown) => void;
  readonly #resumes = new Map<SseClient, ClientResume>();
  readonly #snapshots = new Map<SseClient, StateSnapshot>();

  constructor(services: ResumeServices, report: (error: unknown) => void) {
    this.#services = services;
    this.#report = report;
  }

  /** Settles when the client is live; `undefined` for a client that is. Never rejects. */
  finished(client: SseClient): Promise<void> | undefined {
    return this.#resumes.get(client)?.finished;
  }

  /** Settles when the clients that are catching up now are live or closed. Never rejects. */
  async allFinished(): Promise<void> {
    await Promise.all(Array.from(this.#resumes.values(), async ({ finished }) => finished));
  }

  /** As in `ClientResume.includesNewRooms`. */
  includesNewRooms(client: SseClient): boolean {
    return this.#resumes.get(client)?.includesNewRooms ?? false;
  }

  /** Records that a client joined a room that the broker does not deliver yet, as in `ClientResume.joinedBeforeSubscribed`. */
  joinedBeforeSubscribed(client: SseClient): void {
    this.#obtain(client).joinedBeforeSubscribed = true;
  }

  /** Records a room that a client joined, as in `ClientResume.joined`. */
  joined(client: SseClient, name: string): void {
    this.#resumes.get(client)?.joined(name);
  }

  /** Sends `sse:ready` and the missed events of a resuming client, then opens the gate. Never rejects. */
  attach(client: SseClient, { ready, nextTurn, newest, snapshot }: AttachTiming): Promise<void> {
    const { connection } = client;
    if (connection.gate === undefined) return Promise.resolve();
    if (!nextTurn && !connection.tracksPosition) return Promise.resolve(connection.openGate());
    if (snapshot !== undefined) this.#snapshots.set(client, snapshot);
    this.#obtain(client).includesNewRooms = true;
    return this.#run(client, async (resume) => {
      // Subscribers of `connected$` join rooms in this microtask at the latest.
      await (nextTurn ? new Promise(setImmediate) : undefined);
      resume.includesNewRooms = false;
      if (connection.tracksPosition) await resume.attach(ready, newest);
      else connection.openGate();
    });
  }

  /** Sends the state again to a client that was sent a gap, where its endpoint has one. Never rejects. */
  refresh(client: SseClient): void {
    if (this.#snapshots.has(client)) void this.#run(client, (resume) => resume.refresh());
  }

  /**
   * Adds a client whose stream is open to a room, as in `ClientResume.join`. Never rejects.
   *
   * @param join with `isCancelled`, which returns true once the client has left the room again
   * @returns `false` where the client was in the room already, has left it meanwhile, or is closed
   */
  async join(
    client: SseClient,
    name: string,
    { replay = 0, inOrderIn, isCancelled }: RunTimeJoin & { readonly isCancelled: () => boolean },
  ): Promise<boolean> {
    let joined = false;
    await this.#run(client, async (resume) => {
      if (client.isClosed || client.isIn(name) || isCancelled()) return;
      joined = true;
      await resume.join(name, replay, inOrderIn);
    });
    return joined;
  }

  /** Forgets a client that has closed. */
  delete(client: SseClient): void {
    this.#resumes.delete(client);
    this.#snapshots.delete(client);
  }

  #obtain(client: SseClient): ClientResume {
    let resume = this.#resumes.get(client);
    if (resume === undefined) this.#resumes.set(client, (resume = new ClientResume(client, this.#services)));
    return resume;
  }

  /** Runs `work` after earlier work for the client. */
  #run(client: SseClient, work: (resume: ClientResume) => Promise<void>): Promise<void> {
    const resume = this.#obtain(client);
    resume.snapshot = this.#snapshots.get(client);
    const { finished } = resume;
    const run = (finished === undefined ? work(resume) : finished.then(() => work(resume))).catch(
      (error: unknown) => {
        // The client has closed, which cancels the read.
        if (client.isClosed && error === client.signal.reason) return;
        this.#report(error);
        client.connection.close('broker-unavailable');
      },
    );
    resume.finished = run;
    void run.then(() => {
      if (resume.finished === run) this.#resumes.delete(client);
    });
    return run;
  }
}
